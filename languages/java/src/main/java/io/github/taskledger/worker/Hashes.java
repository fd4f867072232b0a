package io.github.taskledger.worker;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import io.github.taskledger.v1.SealedData;
import io.github.taskledger.v1.TaskEnvelope;
import java.util.Base64;
import java.util.Optional;
import java.util.stream.Stream;

/** The JSON hash: ProtoJSON of an envelope that loses nothing. */
public final class Hashes {
  private static final String UNKNOWN_FIELDS_HEADER = "taskledger-unknown-fields";
  private static final String SEALED = SealedData.getDescriptor().getFullName();
  private static final TypeRegistry SEALING = TypeRegistry.newBuilder().add(SealedData.getDescriptor()).build();

  private Hashes() {}

  /**
   * The JSON text of an envelope's hash: its data sealed if ProtoJSON would lose some of it.
   *
   * @param envelope a task
   * @param types those that are known
   * @return JSON
   */
  public static String write(TaskEnvelope envelope, TaskTypes types) {
    TaskEnvelope hashable = unknownFieldsToHeader(envelope);
    return plainHash(hashable, types).orElseGet(() -> sealedHash(hashable));
  }

  /**
   * Reads the JSON text of a hash.
   *
   * @param text JSON
   * @param types those that are known
   * @param ignoreUnknownFields whether keys that the schema does not have are passed over
   * @return the envelope
   * @throws InvalidTaskException INVALID_HASH, UNKNOWN_TYPE for plain data of a type that is not among the types, and TOO_LARGE
   *     if the envelope has more bytes than {@link Envelopes#MAX_TASK_BYTES}
   */
  public static TaskEnvelope read(String text, TaskTypes types, boolean ignoreUnknownFields) {
    return read(text, types, ignoreUnknownFields, Envelopes.MAX_TASK_BYTES);
  }

  /**
   * Reads the JSON text of a hash.
   *
   * @param text JSON
   * @param types those that are known
   * @param ignoreUnknownFields whether keys that the schema does not have are passed over
   * @param limit the most bytes that the envelope may have
   * @return the envelope
   * @throws InvalidTaskException INVALID_HASH, UNKNOWN_TYPE for plain data of a type that is not among the types, and TOO_LARGE
   */
  public static TaskEnvelope read(String text, TaskTypes types, boolean ignoreUnknownFields, int limit) {
    String name = HashText.dataType(text);
    boolean isSealed = name.equals(SEALED);
    if (!isSealed && types.message(name).isEmpty())
      throw new InvalidTaskException(Code.UNKNOWN_TYPE, name + " is not among the types known here, so its JSON can't be read");
    TaskEnvelope read = parseJson(text, isSealed ? SEALING : types.registry(name), ignoreUnknownFields);
    Envelopes.checked(read, Code.INVALID_HASH);
    Any data = isSealed ? unseal(read.getData()) : canonical(read.getData(), types.message(name).get());
    TaskEnvelope envelope = unknownFieldsFromHeader(read.toBuilder().setData(data).build());
    Envelopes.checkSize(envelope.getSerializedSize(), limit);
    return Envelopes.checked(envelope, Code.INVALID_HASH);
  }

  /** Empty where ProtoJSON can't write the data, or where it would not come back as it was. */
  private static Optional<String> plainHash(TaskEnvelope envelope, TaskTypes types) {
    Optional<Message> data = Envelopes.decodeData(envelope, types);
    if (data.isEmpty()) return Optional.empty();
    try {
      TypeRegistry registry = types.registry(Envelopes.typeOf(envelope));
      String text = printer(registry).print(envelope);
      Any back = canonical(parseJson(text, registry, false).getData(), data.get());
      boolean isSame = back.getValue().equals(ByteString.copyFrom(Envelopes.deterministic(data.get())));
      JsonObject fields = JsonParser.parseString(text).getAsJsonObject().getAsJsonObject("data");
      fields.remove("@type");
      return isSame && !isFragile(fields) ? Optional.of(text) : Optional.empty();
    } catch (InvalidProtocolBufferException | InvalidTaskException | IllegalArgumentException | StackOverflowError noFormInJson) {
      return Optional.empty();
    }
  }

  private static String sealedHash(TaskEnvelope envelope) {
    Any data = envelope.getData();
    SealedData sealed = SealedData.newBuilder().setTypeUrl(data.getTypeUrl()).setValue(data.getValue()).build();
    try {
      return printer(SEALING).print(envelope.toBuilder().setData(Any.pack(sealed)).build());
    } catch (InvalidProtocolBufferException impossible) {
      throw new IllegalStateException(impossible);
    }
  }

  private static Any unseal(Any data) {
    Message message = Envelopes.parse(SealedData.getDefaultInstance(), data.getValue()).get(); // just made of JSON
    SealedData sealed = (SealedData) message;
    return Any.newBuilder().setTypeUrl(sealed.getTypeUrl()).setValue(sealed.getValue()).build();
  }

  private static Any canonical(Any data, Message type) {
    return data.toBuilder().setValue(MapOrder.of(type, data.getValue())).build();
  }

  private static TaskEnvelope parseJson(String text, TypeRegistry registry, boolean ignoreUnknownFields) {
    JsonFormat.Parser parser = JsonFormat.parser().usingTypeRegistry(registry);
    TaskEnvelope.Builder envelope = TaskEnvelope.newBuilder();
    try {
      (ignoreUnknownFields ? parser.ignoringUnknownFields() : parser).merge(text, envelope);
    } catch (InvalidProtocolBufferException | IllegalArgumentException | StackOverflowError error) {
      throw new InvalidTaskException(Code.INVALID_HASH, String.valueOf(error.getMessage()), error);
    }
    return envelope.build();
  }

  private static JsonFormat.Printer printer(TypeRegistry registry) {
    return JsonFormat.printer().usingTypeRegistry(registry).omittingInsignificantWhitespace();
  }

  /** Whether some readers would lose something: the sign of a zero, or the prefix of a type's URL. */
  private static boolean isFragile(JsonElement value) {
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
      double number = value.getAsDouble();
      return number == 0 && 1 / number < 0;
    }
    JsonElement type = value.isJsonObject() ? value.getAsJsonObject().get("@type") : null;
    if (type != null && type.isJsonPrimitive() && !type.getAsString().startsWith(Envelopes.TYPE_PREFIX)) return true;
    return elements(value).anyMatch(Hashes::isFragile);
  }

  private static Stream<JsonElement> elements(JsonElement value) {
    if (value.isJsonObject()) return value.getAsJsonObject().asMap().values().stream();
    return value.isJsonArray() ? value.getAsJsonArray().asList().stream() : Stream.empty();
  }

  private static TaskEnvelope unknownFieldsToHeader(TaskEnvelope envelope) {
    UnknownFieldSet unknown = envelope.getUnknownFields();
    if (unknown.getSerializedSize() == 0) return envelope;
    String header = Base64.getEncoder().encodeToString(unknown.toByteArray());
    return envelope.toBuilder()
        .setUnknownFields(UnknownFieldSet.getDefaultInstance())
        .putHeaders(UNKNOWN_FIELDS_HEADER, header)
        .build();
  }

  private static TaskEnvelope unknownFieldsFromHeader(TaskEnvelope envelope) {
    String header = envelope.getHeadersOrDefault(UNKNOWN_FIELDS_HEADER, "");
    UnknownFieldSet unknown;
    try {
      unknown = TaskEnvelope.parseFrom(Base64.getDecoder().decode(header)).getUnknownFields();
    } catch (IllegalArgumentException | InvalidProtocolBufferException somebodyElses) {
      return envelope;
    }
    if (unknown.getSerializedSize() == 0) return envelope;
    return envelope.toBuilder().removeHeaders(UNKNOWN_FIELDS_HEADER).setUnknownFields(unknown).build();
  }
}

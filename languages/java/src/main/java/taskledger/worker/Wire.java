package taskledger.worker;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import com.google.protobuf.UnknownFieldSet;
import com.google.protobuf.util.JsonFormat;
import com.google.protobuf.util.JsonFormat.TypeRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.stream.Stream;
import taskledger.v1.Envelope.TaskEnvelope;
import taskledger.v1.SealedDataOuterClass.SealedData;

/** Tasks as they travel: envelopes, the JSON hash, and frames. */
public final class Wire {
  /** The largest envelope, unless both sides are configured otherwise. */
  public static final int MAX_TASK_BYTES = 1024 * 1024;

  /** The largest frame: a batch has room for the largest envelope. */
  public static final int MAX_FRAME_BYTES = MAX_TASK_BYTES + Batch.OVERHEAD_BYTES;

  /** The longest task list and the longest id, in bytes of UTF-8. */
  public static final int MAX_KEY_BYTES = 512;

  /** The last microsecond of the year 9999. */
  public static final long MAX_VERSION = 253_402_300_799_999_999L;

  private static final int MAX_SAVED_AT_BYTES = 15;
  private static final String UNKNOWN_FIELDS_HEADER = "taskledger-unknown-fields";
  private static final String PREFIX = "type.googleapis.com/";
  private static final String SEALED = SealedData.getDescriptor().getFullName();
  private static final TypeRegistry SEALING = TypeRegistry.newBuilder().add(SealedData.getDescriptor()).build();

  private Wire() {}

  /** The task types that a worker knows: {@code new Types(FetchFile.getDefaultInstance())}. */
  public static final class Types {
    private final Map<String, Message> messages = new HashMap<>();
    private final Map<String, TypeRegistry> registries = new HashMap<>();

    public Types(Message... messages) {
      for (Message message : messages) {
        String name = message.getDescriptorForType().getFullName();
        this.messages.put(name, message);
        // Its file, and those that one imports: what JSON of such data may name in an Any.
        registries.put(name, TypeRegistry.newBuilder().add(message.getDescriptorForType()).build());
      }
    }

    Optional<Message> message(String name) {
      return Optional.ofNullable(messages.get(name));
    }

    TypeRegistry registry(String name) {
      return registries.get(name);
    }
  }

  /** The full name of the data's message. */
  public static String typeOf(TaskEnvelope envelope) {
    return typeName(envelope.getData().getTypeUrl());
  }

  /** {@code saved_at} in microseconds; empty until the task is saved. */
  public static OptionalLong versionOf(TaskEnvelope envelope) {
    if (!envelope.hasSavedAt()) return OptionalLong.empty();
    Timestamp at = envelope.getSavedAt();
    return OptionalLong.of(at.getSeconds() * 1_000_000 + at.getNanos() / 1000);
  }

  static TaskEnvelope withVersion(TaskEnvelope envelope, long version) {
    int nanos = (int) (version % 1_000_000) * 1000;
    Timestamp savedAt = Timestamp.newBuilder().setSeconds(version / 1_000_000).setNanos(nanos).build();
    return envelope.toBuilder().setSavedAt(savedAt).build();
  }

  /** Reads an envelope of at most {@code limit} bytes. Throws TOO_LARGE and INVALID_ENVELOPE. */
  public static TaskEnvelope decode(byte[] bytes, int limit) {
    if (bytes.length > limit) throw tooLarge("the envelope", bytes.length, limit);
    try {
      TaskEnvelope envelope = TaskEnvelope.parseFrom(bytes);
      check(envelope, "INVALID_ENVELOPE");
      return envelope;
    } catch (InvalidProtocolBufferException error) {
      throw new TaskException("INVALID_ENVELOPE", "the bytes are no TaskEnvelope", false, error);
    }
  }

  /** The envelope's bytes, headers sorted by key. Throws TOO_LARGE. */
  public static byte[] encode(TaskEnvelope envelope) {
    byte[] bytes = deterministic(envelope);
    if (bytes.length > MAX_TASK_BYTES) throw tooLarge("the envelope", bytes.length, MAX_TASK_BYTES);
    return bytes;
  }

  /** What a store keeps: the envelope's bytes without {@code saved_at}, which it gives them. Throws TOO_LARGE. */
  static byte[] encodeBody(TaskEnvelope envelope) {
    byte[] body = deterministic(envelope.toBuilder().clearSavedAt().build());
    if (body.length > MAX_TASK_BYTES - MAX_SAVED_AT_BYTES)
      throw tooLarge("the envelope", body.length + MAX_SAVED_AT_BYTES, MAX_TASK_BYTES);
    return body;
  }

  /** The data; empty where its type is not known, or its bytes do not decode. */
  public static Optional<Message> decodeData(TaskEnvelope envelope, Types types) {
    return types.message(typeOf(envelope)).flatMap(type -> parse(type, envelope.getData().getValue()));
  }

  /** The bytes of a message, the entries of its maps in the order of their keys. */
  public static byte[] deterministic(Message message) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.getSerializedSize());
    CodedOutputStream output = CodedOutputStream.newInstance(bytes);
    output.useDeterministicSerialization();
    try {
      message.writeTo(output);
      output.flush();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes.toByteArray();
  }

  private static Optional<Message> parse(Message type, ByteString bytes) {
    try {
      return Optional.of(type.getParserForType().parseFrom(bytes));
    } catch (InvalidProtocolBufferException notOfThisType) {
      return Optional.empty();
    }
  }

  static TaskEnvelope checked(TaskEnvelope envelope, String code) {
    check(envelope, code);
    return envelope;
  }

  private static void check(TaskEnvelope envelope, String code) {
    checkKey("task_list", envelope.getTaskList(), code);
    checkKey("id", envelope.getId(), code);
    if (!envelope.hasData() || typeOf(envelope).isEmpty())
      throw new TaskException(code, "data does not name a type");
    if (envelope.hasCreatedAt() && !isTimestamp(envelope.getCreatedAt()))
      throw new TaskException(code, "created_at is out of the range of a Timestamp");
    if (envelope.hasSavedAt() && !isVersion(envelope.getSavedAt()))
      throw new TaskException(code, "saved_at is not a whole number of microseconds between 1970 and 9999");
  }

  private static void checkKey(String field, String value, String code) {
    int size = value.getBytes(StandardCharsets.UTF_8).length;
    if (size >= 1 && size <= MAX_KEY_BYTES && value.indexOf('\0') < 0) return;
    throw new TaskException(code, field + " must be 1 to 512 bytes of UTF-8 without NUL; it has " + size + " bytes");
  }

  private static boolean isTimestamp(Timestamp time) {
    boolean inRange = time.getSeconds() >= -62_135_596_800L && time.getSeconds() <= 253_402_300_799L;
    return inRange && time.getNanos() >= 0 && time.getNanos() <= 999_999_999;
  }

  private static boolean isVersion(Timestamp time) {
    if (!isTimestamp(time) || time.getNanos() % 1000 != 0) return false;
    long version = time.getSeconds() * 1_000_000 + time.getNanos() / 1000;
    return version >= 1 && version <= MAX_VERSION;
  }

  private static String typeName(String url) {
    return url.substring(url.lastIndexOf('/') + 1);
  }

  private static TaskException tooLarge(String what, long size, int limit) {
    return new TaskException("TOO_LARGE", what + " has " + size + " bytes; the limit is " + limit);
  }

  // The JSON hash

  /** The JSON text of the envelope's hash: its data sealed where ProtoJSON would lose some of it. */
  public static String toHash(TaskEnvelope envelope, Types types) {
    TaskEnvelope hashable = unknownFieldsToHeader(envelope);
    return plainHash(hashable, types).orElseGet(() -> sealedHash(hashable));
  }

  /**
   * Reads the JSON text of a hash. Throws INVALID_HASH, and UNKNOWN_TYPE for plain data of a type that is not among the
   * types.
   */
  public static TaskEnvelope fromHash(String text, Types types, boolean ignoreUnknownFields) {
    String name = dataType(text);
    boolean isSealed = name.equals(SEALED);
    if (!isSealed && types.message(name).isEmpty())
      throw new TaskException("UNKNOWN_TYPE", name + " is not among the types known here, so its JSON can't be read");
    TaskEnvelope read = parseJson(text, isSealed ? SEALING : types.registry(name), ignoreUnknownFields);
    check(read, "INVALID_HASH");
    Any data = isSealed ? unseal(read.getData()) : canonical(read.getData(), types.message(name).get());
    TaskEnvelope envelope = unknownFieldsFromHeader(read.toBuilder().setData(data).build());
    check(envelope, "INVALID_HASH");
    return envelope;
  }

  /** Empty where ProtoJSON can't write the data, or where it would not come back as it was. */
  private static Optional<String> plainHash(TaskEnvelope envelope, Types types) {
    Optional<Message> data = decodeData(envelope, types);
    if (data.isEmpty()) return Optional.empty();
    try {
      TypeRegistry registry = types.registry(typeOf(envelope));
      String text = printer(registry).print(envelope);
      Any back = canonical(parseJson(text, registry, false).getData(), data.get());
      boolean isSame = back.getValue().equals(ByteString.copyFrom(deterministic(data.get())));
      JsonObject fields = JsonParser.parseString(text).getAsJsonObject().getAsJsonObject("data");
      fields.remove("@type");
      return isSame && !isFragile(fields) ? Optional.of(text) : Optional.empty();
    } catch (InvalidProtocolBufferException | TaskException | IllegalArgumentException noFormInJson) {
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
    Message message = parse(SealedData.getDefaultInstance(), data.getValue()).get(); // just made of JSON
    SealedData sealed = (SealedData) message;
    return Any.newBuilder().setTypeUrl(sealed.getTypeUrl()).setValue(sealed.getValue()).build();
  }

  private static Any canonical(Any data, Message type) {
    return parse(type, data.getValue())
        .map(message -> data.toBuilder().setValue(ByteString.copyFrom(deterministic(message))).build())
        .orElse(data);
  }

  private static TaskEnvelope parseJson(String text, TypeRegistry registry, boolean ignoreUnknownFields) {
    JsonFormat.Parser parser = JsonFormat.parser().usingTypeRegistry(registry);
    TaskEnvelope.Builder envelope = TaskEnvelope.newBuilder();
    try {
      (ignoreUnknownFields ? parser.ignoringUnknownFields() : parser).merge(text, envelope);
    } catch (InvalidProtocolBufferException error) {
      throw new TaskException("INVALID_HASH", error.getMessage(), false, error);
    }
    return envelope.build();
  }

  private static JsonFormat.Printer printer(TypeRegistry registry) {
    return JsonFormat.printer().usingTypeRegistry(registry).omittingInsignificantWhitespace();
  }

  private static String dataType(String text) {
    JsonElement hash;
    try {
      hash = JsonParser.parseString(text);
    } catch (JsonParseException error) {
      throw new TaskException("INVALID_HASH", "no JSON", false, error);
    }
    if (!isWellFormed(hash)) throw new TaskException("INVALID_HASH", "it holds a lone surrogate");
    JsonElement data = hash.isJsonObject() ? hash.getAsJsonObject().get("data") : null;
    JsonElement type = data != null && data.isJsonObject() ? data.getAsJsonObject().get("@type") : null;
    boolean isText = type != null && type.isJsonPrimitive() && type.getAsJsonPrimitive().isString();
    if (!isText || typeName(type.getAsString()).isEmpty())
      throw new TaskException("INVALID_HASH", "data[\"@type\"] must name the type of the data");
    return typeName(type.getAsString());
  }

  /** Java would encode half a surrogate pair as a question mark. */
  private static boolean isWellFormed(JsonElement value) {
    if (value.isJsonObject() && !value.getAsJsonObject().keySet().stream().allMatch(Wire::isWellFormed)) return false;
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isString()) return isWellFormed(value.getAsString());
    return elements(value).allMatch(Wire::isWellFormed);
  }

  private static boolean isWellFormed(String text) {
    return StandardCharsets.UTF_8.newEncoder().canEncode(text);
  }

  /** Whether some readers would lose something: the sign of a zero, or the prefix of a type's URL. */
  private static boolean isFragile(JsonElement value) {
    if (value.isJsonPrimitive() && value.getAsJsonPrimitive().isNumber()) {
      double number = value.getAsDouble();
      return number == 0 && 1 / number < 0;
    }
    JsonElement type = value.isJsonObject() ? value.getAsJsonObject().get("@type") : null;
    if (type != null && type.isJsonPrimitive() && !type.getAsString().startsWith(PREFIX)) return true;
    return elements(value).anyMatch(Wire::isFragile);
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

  // Frames

  /**
   * The next frame of a stream; empty at its end. Throws TOO_LARGE before a frame over the limit, and TRUNCATED where the
   * stream ends inside of one.
   */
  public static Optional<byte[]> readFrame(InputStream stream, int limit) throws IOException {
    long size = readLength(stream);
    if (size < 0) return Optional.empty();
    if (size > limit) throw tooLarge("a frame", size, limit);
    byte[] frame = stream.readNBytes((int) size);
    if (frame.length < size) throw new TaskException("TRUNCATED", "the stream ends inside of a frame");
    return Optional.of(frame);
  }

  /** Writes a message behind its length. */
  public static void writeFrame(OutputStream stream, byte[] message) throws IOException {
    CodedOutputStream output = CodedOutputStream.newInstance(stream);
    output.writeByteArrayNoTag(message);
    output.flush();
  }

  /** -1 at the end of the stream. */
  private static long readLength(InputStream stream) throws IOException {
    long length = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      int next = stream.read();
      if (next < 0 && shift == 0) return -1;
      if (next < 0) throw new TaskException("TRUNCATED", "the stream ends inside of a length");
      length |= (long) (next & 0x7f) << shift;
      if (next < 0x80) return length;
    }
    throw new TaskException("INVALID_BATCH", "a length has more than five bytes");
  }
}

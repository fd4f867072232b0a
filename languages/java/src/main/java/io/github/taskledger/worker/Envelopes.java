package io.github.taskledger.worker;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.Timestamp;
import io.github.taskledger.v1.DamagedTask;
import io.github.taskledger.v1.TaskEnvelope;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;

/** Envelopes: a task as it travels, and as a store keeps it. */
public final class Envelopes {
  /** The largest envelope, unless both sides are configured otherwise. */
  public static final int MAX_TASK_BYTES = 1024 * 1024;

  /** The longest task list and the longest id, in bytes of UTF-8. */
  public static final int MAX_KEY_BYTES = 512;

  /** The last microsecond of the year 9999. */
  public static final long MAX_VERSION = 253_402_300_799_999_999L;

  static final String TYPE_PREFIX = "type.googleapis.com/";

  /** {@code saved_at} at its longest, which a store's envelope has beside its body. */
  private static final int MAX_SAVED_AT_BYTES = 15;

  private static final String DAMAGED = DamagedTask.getDescriptor().getFullName();

  private Envelopes() {}

  /**
   * Builds a task that has not been saved yet, with a random id.
   *
   * @param taskList the list that it is in
   * @param data what is to be done
   * @return the envelope
   * @throws InvalidTaskException INVALID_KEY, TOO_LARGE
   */
  public static TaskEnvelope create(String taskList, Message data) {
    return create(taskList, UUID.randomUUID().toString(), data);
  }

  /**
   * Builds a task that has not been saved yet.
   *
   * @param taskList the list that it is in
   * @param id unique in its list
   * @param data what is to be done
   * @return the envelope
   * @throws InvalidTaskException INVALID_KEY, TOO_LARGE
   */
  public static TaskEnvelope create(String taskList, String id, Message data) {
    checkKey("taskList", taskList, Code.INVALID_KEY);
    checkKey("id", id, Code.INVALID_KEY);
    Any packed = any(TYPE_PREFIX + data.getDescriptorForType().getFullName(), deterministic(data));
    Instant now = Instant.now();
    TaskEnvelope envelope = TaskEnvelope.newBuilder()
        .setTaskList(taskList)
        .setId(id)
        .setData(packed)
        .setCreatedAt(timestamp(now.getEpochSecond() * 1_000_000 + now.getNano() / 1000))
        .build();
    encodeBody(envelope, MAX_TASK_BYTES);
    return envelope;
  }

  /**
   * The full name of the data's message.
   *
   * @param envelope a task
   * @return such as {@code acme.v1.FetchFile}
   */
  public static String typeOf(TaskEnvelope envelope) {
    return typeName(envelope.getData().getTypeUrl());
  }

  /**
   * {@code saved_at} in microseconds.
   *
   * @param envelope a task
   * @return empty until the task is saved
   */
  public static OptionalLong versionOf(TaskEnvelope envelope) {
    if (!envelope.hasSavedAt()) return OptionalLong.empty();
    Timestamp at = envelope.getSavedAt();
    return OptionalLong.of(at.getSeconds() * 1_000_000 + at.getNanos() / 1000);
  }

  /**
   * The version of a task that was saved.
   *
   * @param envelope a task
   * @return its version in microseconds
   * @throws InvalidTaskException NOT_SAVED
   */
  public static long savedVersion(TaskEnvelope envelope) {
    return versionOf(envelope).orElseThrow(() -> new InvalidTaskException(
        Code.NOT_SAVED, "the task has no version: its bytes were taken before it was saved"));
  }

  /**
   * A task as it is once a store has saved it.
   *
   * @param envelope a task
   * @param version in microseconds
   * @return the task at that version
   */
  public static TaskEnvelope withVersion(TaskEnvelope envelope, long version) {
    return envelope.toBuilder().setSavedAt(timestamp(version)).build();
  }

  /**
   * Reads an envelope.
   *
   * @param bytes an encoded envelope
   * @param limit the most bytes that it may have
   * @return the envelope
   * @throws InvalidTaskException TOO_LARGE, INVALID_ENVELOPE
   */
  public static TaskEnvelope decode(byte[] bytes, int limit) {
    checkSize(bytes.length, limit);
    return decode(bytes);
  }

  private static TaskEnvelope decode(byte[] bytes) {
    try {
      return checked(TaskEnvelope.parseFrom(bytes), Code.INVALID_ENVELOPE);
    } catch (InvalidProtocolBufferException error) {
      throw new InvalidTaskException(Code.INVALID_ENVELOPE, "the bytes are no TaskEnvelope", error);
    }
  }

  /**
   * Writes an envelope, its headers sorted by key.
   *
   * @param envelope a task
   * @return its bytes
   * @throws InvalidTaskException TOO_LARGE
   */
  public static byte[] encode(TaskEnvelope envelope) {
    byte[] bytes = deterministic(envelope);
    checkSize(bytes.length, MAX_TASK_BYTES);
    return bytes;
  }

  /**
   * What a store keeps: the envelope's bytes without {@code saved_at}, which the store gives them. What is saved, every
   * reader must be able to read.
   *
   * @param envelope a task
   * @param limit the most bytes that its envelope may have once it is saved
   * @return its body
   * @throws InvalidTaskException INVALID_ENVELOPE for what breaks the protocol's rules, TOO_LARGE
   */
  public static byte[] encodeBody(TaskEnvelope envelope, int limit) {
    checked(envelope, Code.INVALID_ENVELOPE);
    for (Map.Entry<String, String> header : envelope.getHeadersMap().entrySet())
      if (!isWellFormed(header.getKey()) || !isWellFormed(header.getValue()))
        throw new InvalidTaskException(Code.INVALID_ENVELOPE, "headers holds a lone surrogate");
    byte[] body = deterministic(envelope.toBuilder().clearSavedAt().build());
    checkSize(body.length + MAX_SAVED_AT_BYTES, limit);
    return body;
  }

  /**
   * The envelope of what a store holds. One whose body is no envelope of that list and id comes as a DamagedTask.
   *
   * @param taskList the list under which it is
   * @param id the id under which it is
   * @param version the version beside it
   * @param body its bytes
   * @return the envelope
   */
  public static TaskEnvelope stored(String taskList, String id, long version, byte[] body) {
    try {
      TaskEnvelope envelope = decode(body);
      if (envelope.getTaskList().equals(taskList) && envelope.getId().equals(id)) return withVersion(envelope, version);
    } catch (InvalidTaskException damaged) {
      // As below.
    }
    byte[] value = DamagedTask.newBuilder().setBody(ByteString.copyFrom(body)).build().toByteArray();
    return TaskEnvelope.newBuilder()
        .setTaskList(taskList)
        .setId(id)
        .setData(any(TYPE_PREFIX + DAMAGED, value))
        .setSavedAt(timestamp(version))
        .build();
  }

  /**
   * Whether a store held bytes that are no task under this list and id; the data then is a DamagedTask with them.
   *
   * @param envelope a task
   * @return true for one that can't be done by anybody
   */
  public static boolean isDamaged(TaskEnvelope envelope) {
    return typeOf(envelope).equals(DAMAGED);
  }

  /**
   * The data of a task.
   *
   * @param envelope a task
   * @param types those that are known
   * @return empty if its type is not known, or its bytes do not decode
   */
  public static Optional<Message> decodeData(TaskEnvelope envelope, TaskTypes types) {
    return types.message(typeOf(envelope)).flatMap(type -> parse(type, envelope.getData().getValue()));
  }

  /**
   * Writes a message, the entries of its maps in the order of their keys.
   *
   * @param message any message
   * @return its bytes
   */
  public static byte[] deterministic(Message message) {
    byte[] bytes = new byte[message.getSerializedSize()];
    CodedOutputStream output = CodedOutputStream.newInstance(bytes);
    output.useDeterministicSerialization();
    try {
      message.writeTo(output);
      output.checkNoSpaceLeft();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
    return bytes;
  }

  static Optional<Message> parse(Message type, ByteString bytes) {
    try {
      return Optional.of(type.getParserForType().parseFrom(bytes));
    } catch (InvalidProtocolBufferException notOfThisType) {
      return Optional.empty();
    }
  }

  static Any any(String typeUrl, byte[] value) {
    return Any.newBuilder().setTypeUrl(typeUrl).setValue(ByteString.copyFrom(value)).build();
  }

  /** Throws an error with this code that names the field, if the envelope breaks the protocol's rules. */
  static TaskEnvelope checked(TaskEnvelope envelope, Code code) {
    checkKey("task_list", envelope.getTaskList(), code);
    checkKey("id", envelope.getId(), code);
    String typeUrl = envelope.getData().getTypeUrl();
    if (typeUrl.isEmpty() || typeUrl.endsWith("/"))
      throw new InvalidTaskException(code, "data does not name a type");
    if (envelope.hasCreatedAt() && !isTimestamp(envelope.getCreatedAt()))
      throw new InvalidTaskException(code, "created_at is out of the range of a Timestamp");
    if (envelope.hasSavedAt() && !isVersion(envelope.getSavedAt()))
      throw new InvalidTaskException(code, "saved_at is not a whole number of microseconds between 1970 and 9999");
    return envelope;
  }

  static void checkKey(String field, String value, Code code) {
    if (isKey(value)) return;
    int size = sizeOf(value);
    String found = size < 0 ? "; it holds a lone surrogate" : "; it has " + size + " bytes";
    throw new InvalidTaskException(code, field + " must be 1 to " + MAX_KEY_BYTES + " bytes of UTF-8 without NUL" + found);
  }

  /** Whether it may be a list's name, or an id. */
  static boolean isKey(String value) {
    int size = sizeOf(value);
    return size >= 1 && size <= MAX_KEY_BYTES && value.indexOf('\0') < 0;
  }

  /** Java would encode half a surrogate pair as a question mark. */
  static boolean isWellFormed(String text) {
    return sizeOf(text) >= 0;
  }

  /** How many bytes of UTF-8 a text has; -1 where it holds a lone surrogate. Makes no bytes: many tasks may share a long key. */
  private static int sizeOf(String text) {
    int size = 0;
    for (int i = 0; i < text.length(); i++) {
      int point = text.codePointAt(i);
      if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) return -1;
      if (Character.isSupplementaryCodePoint(point)) i++;
      size += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    }
    return size;
  }

  private static boolean isTimestamp(Timestamp time) {
    boolean isInRange = time.getSeconds() >= -62_135_596_800L && time.getSeconds() <= 253_402_300_799L;
    return isInRange && time.getNanos() >= 0 && time.getNanos() <= 999_999_999;
  }

  private static boolean isVersion(Timestamp time) {
    if (!isTimestamp(time) || time.getNanos() % 1000 != 0) return false;
    return time.getSeconds() * 1_000_000 + time.getNanos() / 1000 >= 1;
  }

  static String typeName(String url) {
    return url.substring(url.lastIndexOf('/') + 1);
  }

  /** The seconds are rounded down, so that nanos are never negative. */
  static Timestamp timestamp(long micros) {
    int nanos = (int) Math.floorMod(micros, 1_000_000L) * 1000;
    return Timestamp.newBuilder().setSeconds(Math.floorDiv(micros, 1_000_000L)).setNanos(nanos).build();
  }

  static void checkSize(int size, int limit) {
    if (size > limit)
      throw new InvalidTaskException(
          Code.TOO_LARGE, "the envelope has " + size + " bytes; the limit is " + limit);
  }
}

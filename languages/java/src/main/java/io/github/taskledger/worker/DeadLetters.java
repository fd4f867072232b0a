package io.github.taskledger.worker;

import io.github.taskledger.v1.TaskEnvelope;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.HexFormat;
import java.util.stream.Stream;

/** Copies of tasks that were given up, in a list of their own; docs/recovery.md has the rules. */
final class DeadLetters {
  private static final String LIST = "taskledger-dead-list";
  private static final String ID = "taskledger-dead-id";
  private static final int MAX_REASON = 1000;
  private static final DateTimeFormatter MILLISECONDS = new DateTimeFormatterBuilder().appendInstant(3).toFormatter();

  private DeadLetters() {}

  /**
   * A copy for another list that says in its headers where it came from, and why, when and after how many attempts it was
   * given up.
   */
  static TaskEnvelope of(TaskEnvelope envelope, String taskList, int attempts, Throwable error) {
    TaskEnvelope.Builder letter = envelope.toBuilder().clearSavedAt();
    // One that is given up once more still leads back to where it came from first.
    boolean isLetter = Stream.of(LIST, ID).allMatch(each -> Envelopes.isKey(envelope.getHeadersOrDefault(each, "")));
    if (!isLetter) letter.putHeaders(LIST, envelope.getTaskList()).putHeaders(ID, envelope.getId());
    return letter
        .setTaskList(taskList)
        .setId(idOf(envelope))
        .setAttempt(attempts)
        .putHeaders("taskledger-dead-at", MILLISECONDS.format(Instant.now()))
        .putHeaders("taskledger-dead-attempts", String.valueOf(attempts))
        .putHeaders("taskledger-dead-reason", reasonOf(error))
        .build();
  }

  /**
   * It follows from the task's list, id and version: a version that is given up twice is there once. The list is escaped, so
   * that it is known where the id begins.
   */
  private static String idOf(TaskEnvelope envelope) {
    String name = escaped(envelope.getTaskList()) + "/" + envelope.getId() + "@" + Envelopes.savedVersion(envelope);
    if (Envelopes.isKey(name)) return name;
    return "sha256:" + HexFormat.of().formatHex(sha256(name.getBytes(StandardCharsets.UTF_8)));
  }

  /** As ECMAScript's encodeURIComponent does it. */
  private static String escaped(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8)
        .replace("+", "%20")
        .replace("%21", "!")
        .replace("%27", "'")
        .replace("%28", "(")
        .replace("%29", ")")
        .replace("%7E", "~");
  }

  private static byte[] sha256(byte[] bytes) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(bytes);
    } catch (NoSuchAlgorithmException impossible) {
      throw new AssertionError(impossible); // every Java platform has it
    }
  }

  /**
   * In so few characters that it may travel with the task. A {@link TaskException} begins with its code; what has
   * no readable message is named by its class.
   */
  private static String reasonOf(Throwable error) {
    String message = messageOf(error);
    String reason = message == null || message.isEmpty() ? error.getClass().getName() : message;
    byte[] bytes = reason.substring(0, Math.min(reason.length(), MAX_REASON)).getBytes(StandardCharsets.UTF_8);
    return new String(bytes, StandardCharsets.UTF_8); // half a surrogate pair is a question mark now
  }

  private static String messageOf(Throwable error) {
    try {
      return error.getMessage();
    } catch (Throwable noWords) {
      return null;
    }
  }
}

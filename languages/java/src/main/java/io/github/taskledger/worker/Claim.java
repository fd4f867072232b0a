package io.github.taskledger.worker;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.UUID;

/**
 * A worker's right to a version of a task for a time; docs/recovery.md says what it guarantees, and what not.
 *
 * @param taskList the task's list
 * @param id the task's id
 * @param savedAt the version
 * @param owner who has it
 * @param token grows with every claim to the task: give it to what you write to, and let that refuse smaller ones
 * @param attempt which attempt at the task this is, from 1
 * @param until when the lease ends, in milliseconds since 1970
 */
public record Claim(String taskList, String id, long savedAt, String owner, long token, int attempt, long until) {
  /** The owner of a mark: of a note that the task was handed to a queue again, and not of a claim to the work. */
  public static final String REDELIVERY = "taskledger.redelivery";

  /** The shortest lease. */
  public static final Duration LEAST_LEASE = Duration.ofMillis(10);

  /**
   * A name of an owner that nobody else has.
   *
   * @return it tells the host and the process
   */
  public static String newOwner() {
    return Host.NAME + ":" + ProcessHandle.current().pid() + ":" + UUID.randomUUID().toString().substring(24);
  }

  /**
   * For stores: refuses a lease that is too short.
   *
   * @param lease how long a claim lasts
   * @throws InvalidTaskException INVALID_ARGUMENT
   */
  public static void checkLease(Duration lease) {
    if (lease.compareTo(LEAST_LEASE) < 0)
      throw new InvalidTaskException(
          Code.INVALID_ARGUMENT, "lease must be at least " + LEAST_LEASE.toMillis() + " ms, and is " + lease);
  }

  /** It is asked for once, and only by who needs it: that may take a while. */
  private static final class Host {
    static final String NAME = name();

    private static String name() {
      try {
        return InetAddress.getLocalHost().getHostName();
      } catch (UnknownHostException unknown) {
        return "localhost";
      }
    }
  }
}

package io.github.taskledger.worker;

/**
 * What a store remembers of the claims to a task.
 *
 * @param savedAt the version that was claimed last; 0 if none was
 * @param owner who has it; null since it was released
 * @param token of the last claim
 * @param attempt how often the task has been claimed
 * @param until when the lease ends, or, after a release, when the task may be claimed again; in milliseconds since 1970
 */
public record ClaimState(long savedAt, String owner, long token, int attempt, long until) {}

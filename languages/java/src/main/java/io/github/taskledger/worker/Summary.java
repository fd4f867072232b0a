package io.github.taskledger.worker;

/**
 * How many tasks came to what.
 *
 * @param completed those that are done
 * @param failed those whose handler threw, or that could not be completed; they stay open
 * @param passedOver those that nobody here can do, that another has, or that were given up before; they stay open
 * @param givenUp those that have been tried as often as they may be
 * @param unread frames that hold no tasks
 */
public record Summary(int completed, int failed, int passedOver, int givenUp, int unread) {}

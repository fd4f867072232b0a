/**
 * Reads, passes on and does Taskledger's tasks, which are remembered until they are done.
 *
 * <pre>{@code
 * Store store = CassandraStore.open(session, "tasks", "dc1");
 * new Worker(store)
 *     .concurrency(4)
 *     .does(FetchFile.getDefaultInstance(), (file, context) -> fetch(file))
 *     .run(System.in);
 * }</pre>
 */
package io.github.taskledger.worker;

/** Tasks in Cassandra, by the rules of docs/protocol.md. */
package io.github.taskledger.worker.cassandra;

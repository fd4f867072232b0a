import type { Partition } from "../../src/adapters/cassandra/model/partition.js";
import type { LedgerSession, Mutation } from "../../src/adapters/cassandra/model/session.js";

/** What was asked to be written in one batch, and the answer that it waits for. */
export interface Batch {
  readonly partition: Partition;
  readonly mutations: readonly Mutation[];
  answer(): void;
  fail(error: Error): void;
}

const never = new Promise<never>(() => {});

/** A session that notes batches and answers none by itself; its reads never end, if they are not given. */
export class ScriptedSession implements LedgerSession {
  readonly batches: Batch[] = [];
  readonly readTasks: LedgerSession["readTasks"];
  readonly readEntries: LedgerSession["readEntries"] = () => never;
  readonly readLastEntry: LedgerSession["readLastEntry"] = () => never;
  readonly hasEntry: LedgerSession["hasEntry"] = () => never;
  readonly readSweep: LedgerSession["readSweep"] = () => never;

  constructor({ readTasks = () => never }: Partial<LedgerSession> = {}) {
    this.readTasks = readTasks;
  }

  apply(partition: Partition, mutations: readonly Mutation[]): Promise<void> {
    return new Promise((answer, fail) => {
      this.batches.push({ partition, mutations, answer, fail });
    });
  }

  async readClock(): Promise<bigint> {
    return BigInt(Date.now()) * 1000n;
  }
}

import type { StoredTask } from "../../src/adapter/adapter.js";
import type { Partition } from "../../src/adapters/cassandra/model/partition.js";
import {
  type EntriesRead,
  type EntryRange,
  type LedgerPlace,
  type LedgerSession,
  type Mutation,
  SessionError,
  type SessionErrorKind,
  type SweepRecord,
} from "../../src/adapters/cassandra/model/session.js";
import { MAX_VERSION, type Version } from "../../src/core/version.js";
import type { Cluster, ReadResult, Request } from "./cluster.js";
import { describeMutation, describePlace, describeVersion } from "./describe.js";
import { liveTasks } from "./merge.js";
import { keyOf, mix, pick } from "./random.js";
import type { EntriesQuery, Query, Replica } from "./replica.js";
import { MILLISECOND, SECOND, type World } from "./world.js";

/** The process of a session: it can be stopped or die before a request is sent, and before an answer arrives. */
export interface SessionProcess {
  readonly name: string;
  readonly dataCenter: number;
  /** Runs a step of the process, unless that has died; later where it is stopped. */
  step(key: number, run: () => void): void;
  /** The servers' clock for a host whose coordinator's clock is as wrong as its own. */
  readonly serverClock?: (() => Version) | undefined;
  /** Called when a replica has applied a write of this process. */
  onApplied(mutation: Mutation): void;
}

/** An id for which the servers refuse every write as too large. */
export const TOO_LARGE_ID = "huge";

/** A coordinator's error, and whether the write may have been applied. */
const writeErrors: readonly (readonly [SessionErrorKind, boolean])[] = [
  ["overloaded", true],
  ["connection", true],
  ["connection", false],
  ["failure", true],
  ["timeout", true],
  ["refused", false],
  ["unavailable", false],
];
const readErrors: readonly SessionErrorKind[] = ["overloaded", "connection", "failure", "timeout", "unavailable"];

/** A place after all ids of its version. */
const LAST_ID = "\uffff";

interface Call<T> {
  readonly key: number;
  resolve(value: T): void;
  fail(kind: SessionErrorKind, mayApply?: boolean): void;
}

/** The session of the adapter's code, over a simulated cluster. */
export class SimulatedSession implements LedgerSession {
  readonly #world: World;
  readonly #cluster: Cluster;
  readonly #process: SessionProcess;
  readonly #occurrences = new Map<string, number>();
  readonly #attempts = new WeakMap<Mutation, number>();

  constructor(world: World, cluster: Cluster, process: SessionProcess) {
    this.#world = world;
    this.#cluster = cluster;
    this.#process = process;
  }

  apply({ shard }: Partition, mutations: readonly Mutation[], timeout: number): Promise<void> {
    const ids = [...new Set(mutations.map((mutation) => `${mutation.kind} ${"id" in mutation ? mutation.id : ""}`))];
    const what = () => `writes ${mutations.map(describeMutation).join(", ")}`;
    return this.#call(`apply ${ids.sort()}`, what, timeout, true, (call: Call<void>) => {
      const request = this.#request(call.key, shard);
      if (mutations.some((mutation) => mutation.kind === "put-task" && mutation.id === TOO_LARGE_ID))
        return call.fail("too-large");
      if (this.#cluster.isUnavailable(request, this.#cluster.options.writes) && this.#world.roll(call.key, 70) < 0.7)
        return call.fail("unavailable");
      let reaches = (_: Replica) => true;
      let done = () => call.resolve();
      if (this.#world.fault("failing", call.key)) {
        const [kind, mayApply] = pick(writeErrors, this.#world.roll(call.key, 71));
        // It failed on some replicas, or on all, or on none.
        const share = mayApply ? this.#world.roll(call.key, 72) * 1.5 : 0;
        reaches = ({ index }) => this.#world.roll(call.key, 80 + index) < share;
        done = () => undefined;
        this.#world.after(20 * MILLISECOND, () => call.fail(kind, mayApply));
      }
      const applied = () => {
        for (const mutation of mutations) this.#process.onApplied(mutation);
      };
      const first = this.#firstKeyOf(call.key, mutations);
      this.#cluster.write(request, mutations, { first, reaches, applied, done });
    });
  }

  async readTasks(partition: Partition, ids: readonly string[], timeout: number): Promise<readonly StoredTask[]> {
    const query: Query = { kind: "tasks", ids };
    const { merged } = await this.#read("tasks", `the tasks ${ids}`, partition, query, timeout);
    return liveTasks(merged.cells);
  }

  async readEntries(partition: Partition, range: EntryRange, timeout: number): Promise<EntriesRead> {
    const what = `entries past ${describePlace(range.after)} up to ${describeVersion(range.upTo)}`;
    const { merged, isHeavy } = await this.#read("entries", what, partition, { kind: "entries", ...range }, timeout);
    return { entries: merged.entries, isHeavy };
  }

  async readLastEntry(partition: Partition, after: Version, timeout: number): Promise<LedgerPlace | undefined> {
    const place = { savedAt: after, id: LAST_ID };
    const query: EntriesQuery = { kind: "entries", after: place, upTo: MAX_VERSION, limit: 1, isReversed: true };
    const what = `the last entry past ${describeVersion(after)}`;
    const [last] = (await this.#read("last", what, partition, query, timeout)).merged.entries;
    return last && { savedAt: last.savedAt, id: last.id };
  }

  async hasEntry(partition: Partition, place: LedgerPlace, timeout: number): Promise<boolean> {
    const query: EntriesQuery = { kind: "entries", after: place, upTo: place.savedAt, limit: 1, only: place };
    const { merged } = await this.#read("entry", `the entry ${describePlace(place)}`, partition, query, timeout);
    return merged.entries.length > 0;
  }

  async readSweep(partition: Partition, timeout: number): Promise<SweepRecord | undefined> {
    const { merged } = await this.#read("sweep", "the last sweep", partition, { kind: "sweep" }, timeout);
    const { sweep } = merged.cells;
    return sweep && { sweptTo: sweep.sweptTo, ranges: sweep.ranges };
  }

  readClock(timeout: number): Promise<Version> {
    return this.#call(
      "clock",
      () => "reads a server's clock",
      timeout,
      false,
      (call: Call<Version>) => {
        if (this.#world.fault("failing", call.key)) return call.fail(pick(readErrors, this.#world.roll(call.key, 71)));
        const time = this.#process.serverClock?.() ?? this.#cluster.serverClock(call.key);
        call.resolve(time);
      },
    );
  }

  #read(
    kind: string,
    what: string,
    { shard }: Partition,
    query: Query,
    timeout: number,
  ): Promise<Exclude<ReadResult, string>> {
    const names = query.kind === "tasks" ? [...query.ids].sort().join() : "";
    const describe = () => `reads ${what}`;
    return this.#call(
      `${kind} ${shard} ${names}`,
      describe,
      timeout,
      false,
      (call: Call<Exclude<ReadResult, string>>) => {
        const request = this.#request(call.key, shard);
        const { options } = this.#cluster;
        if (this.#world.fault("failing", call.key)) return call.fail(pick(readErrors, this.#world.roll(call.key, 71)));
        if (this.#cluster.isUnavailable(request, options.reads) && this.#world.roll(call.key, 70) < 0.7)
          return call.fail("unavailable");
        this.#cluster.read(request, query, (result) => {
          if (result === "tombstones") call.fail("tombstones");
          else call.resolve(result);
        });
      },
    );
  }

  #request(key: number, shard: number): Request {
    return { key, shard, dataCenter: this.#process.dataCenter };
  }

  /** One attempt: the request is sent to a coordinator, and its answer comes back; or the time runs out. */
  #call<T>(
    about: string,
    what: () => string,
    timeout: number,
    isWrite: boolean,
    send: (call: Call<T>) => void,
  ): Promise<T> {
    const world = this.#world;
    const { name } = this.#process;
    const key = this.#keyOf(about);
    const say = world.log && ((text: string) => world.log?.(`${name} #${key >>> 0} ${text}`));
    say?.(what());
    return new Promise((resolve, reject) => {
      let isSettled = false;
      const answer = (settle: () => void) => {
        if (isSettled) return;
        this.#process.step(mix(key, 2), () => {
          if (isSettled) return;
          isSettled = true;
          settle();
        });
      };
      const isAnswerLost = world.fault("unanswered", key);
      const call: Call<T> = {
        key,
        resolve: (value) => {
          if (!isAnswerLost)
            world.after(MILLISECOND, () =>
              answer(() => {
                say?.("is answered");
                resolve(value);
              }),
            );
        },
        fail: (kind, mayApply = false) => {
          if (isAnswerLost) return;
          world.after(MILLISECOND, () =>
            answer(() => {
              say?.(`fails: ${kind}${mayApply ? ", may be applied" : ""}`);
              reject(new SessionError(kind, isWrite && mayApply, `simulated: ${kind}`));
            }),
          );
        },
      };
      this.#process.step(mix(key, 1), () => {
        world.after(timeout * MILLISECOND, () =>
          answer(() => {
            say?.("times out");
            reject(new SessionError("timeout", isWrite, "simulated: no answer in time"));
          }),
        );
        if (!world.fault("strayed", key)) return send(call);
        // Half of them are lost for good.
        const delay = 180 * world.roll(key, 73) ** 2;
        if (delay < 45) world.after(delay * SECOND, () => send(call));
      });
    });
  }

  /** The key of the first attempt at a write: later attempts often meet the same fault. */
  #firstKeyOf(key: number, mutations: readonly Mutation[]): number {
    const known = mutations.map((mutation) => this.#attempts.get(mutation)).find((first) => first !== undefined);
    const first = known !== undefined && this.#world.roll(key, 74) < 0.8 ? known : key;
    for (const mutation of mutations) this.#attempts.set(mutation, first);
    return first;
  }

  /** A request's own random numbers: they depend on its content, and on how often there was the same before. */
  #keyOf(about: string): number {
    const count = (this.#occurrences.get(about) ?? 0) + 1;
    this.#occurrences.set(about, count);
    return keyOf(`${this.#process.name} ${about} ${count}`);
  }
}

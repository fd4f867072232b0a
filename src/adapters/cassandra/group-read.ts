import type { StoredTask } from "../../adapter/adapter.js";
import { abortedError, onAbort } from "../../core/abort.js";
import { ExpiryTimer } from "./expiry-timer.js";
import type { Host } from "./host.js";
import { type Partition, partitionName } from "./shard.js";
import { Waiter } from "./waiter.js";

/** Ids that one query names. */
export const IDS_A_READ = 32;

/** Reads of one partition that are under way at once, as long as none of them is slow. */
const UNDER_WAY = 2;

/** How long an id waits for a read before it, in milliseconds: one that takes longer may hang, and must not hold up others. */
const PATIENCE = 20;

/** Reads task rows by their ids, within so many milliseconds; tries no further once nobody wants them any more. */
export type ReadTasks = (
  partition: Partition,
  ids: readonly string[],
  deadline: number,
  isWanted: () => boolean,
) => Promise<readonly StoredTask[]>;

/** A find that waits for its answer. */
class Wanted extends Waiter<StoredTask | undefined> {
  readonly id: string;
  /** On the host's monotonic clock. */
  readonly since: number;

  constructor(
    id: string,
    since: number,
    resolve: (stored: StoredTask | undefined) => void,
    reject: (error: unknown) => void,
  ) {
    super(resolve, reject);
    this.id = id;
    this.since = since;
  }
}

/** What is wanted of one partition, and how many reads are under way there. */
interface Lane {
  readonly partition: Partition;
  wanted: Wanted[];
  underWay: number;
}

/**
 * Finds tasks of partitions: ids that are wanted while reads of their partition are under way leave together in the next,
 * which costs little more than a read of one. A read begins after all that it answers was asked for.
 */
export class GroupRead {
  readonly #host: Host;
  readonly #deadline: number;
  readonly #readTasks: ReadTasks;
  readonly #lanes = new Map<string, Lane>();
  readonly #timer: ExpiryTimer;

  /** `deadline` is how long a find may take in all, in milliseconds. */
  constructor(host: Host, deadline: number, readTasks: ReadTasks) {
    this.#host = host;
    this.#deadline = deadline;
    this.#readTasks = readTasks;
    this.#timer = new ExpiryTimer(host, () => this.#hurry());
  }

  /** The task, the caller's own; undefined where it is not there. Throws what reading throws, and ABORTED. */
  find(partition: Partition, id: string, signal?: AbortSignal): Promise<StoredTask | undefined> {
    if (signal?.aborted) return Promise.reject(abortedError(signal));
    return new Promise((resolve, reject) => {
      const lane = this.#laneOf(partition);
      const wanted = new Wanted(id, this.#host.monotonic(), resolve, reject);
      if (signal) wanted.release = onAbort(signal, () => wanted.reject(abortedError(signal)));
      lane.wanted.push(wanted);
      // What is asked for in the same turn leaves together.
      if (lane.wanted.length === 1) queueMicrotask(() => this.#startReads(lane));
    });
  }

  stop(): void {
    this.#timer.stop();
  }

  #laneOf(partition: Partition): Lane {
    const name = partitionName(partition);
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { partition, wanted: [], underWay: 0 };
      this.#lanes.set(name, lane);
    }
    return lane;
  }

  /** As many as may be under way; what is left waits for one of them to end, for a while. */
  #startReads(lane: Lane): void {
    while (lane.wanted.length > 0 && lane.underWay < UNDER_WAY) this.#startRead(lane);
    const [first] = lane.wanted;
    if (first) this.#timer.lookAt(first.since + PATIENCE);
    else if (lane.underWay === 0) this.#lanes.delete(partitionName(lane.partition));
  }

  #startRead(lane: Lane): void {
    const some = lane.wanted.splice(0, IDS_A_READ).filter(({ settled }) => !settled);
    const [first] = some;
    if (first === undefined) return;
    lane.underWay++;
    this.#read(lane.partition, some, first.since + this.#deadline).finally(() => {
      lane.underWay--;
      this.#startReads(lane);
    });
  }

  async #read(partition: Partition, some: readonly Wanted[], end: number): Promise<void> {
    const isWanted = () => some.some(({ settled }) => !settled);
    try {
      const ids = [...new Set(some.map(({ id }) => id))];
      const rows = await this.#readTasks(partition, ids, Math.max(1, end - this.#host.monotonic()), isWanted);
      answer(some, rows);
    } catch (error) {
      for (const wanted of some) wanted.reject(error);
    }
  }

  /** Reads what has waited for long; gives when the next will have. */
  #hurry(): number {
    const late = this.#host.monotonic() - PATIENCE;
    let next = Infinity;
    for (const lane of this.#lanes.values()) {
      while (lane.wanted[0] && lane.wanted[0].since <= late) this.#startRead(lane);
      if (lane.wanted[0]) next = Math.min(next, lane.wanted[0].since + PATIENCE);
    }
    return next;
  }
}

/** Gives each the bytes of its task; of those that want the same, each has its own. */
function answer(some: readonly Wanted[], rows: readonly StoredTask[]): void {
  const found = new Map(rows.map((stored) => [stored.id, stored]));
  const given = new Set<string>();
  for (const wanted of some) {
    if (wanted.settled) continue;
    const stored = found.get(wanted.id);
    wanted.resolve(stored && (given.has(wanted.id) ? { ...stored, body: Uint8Array.from(stored.body) } : stored));
    given.add(wanted.id);
  }
}

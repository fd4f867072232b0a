import type { AllOptions, ClaimStore, CompleteEntry, SaveEntry, StoredTask } from "../../src/adapter/index.js";
import { processClock } from "../../src/adapter/index.js";
import { MemoryClaims } from "../../src/adapters/memory/claims.js";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import type { Adapter, OperationOptions, TaskKey, Version } from "../../src/index.js";
import type { ConformanceOptions } from "../../src/testing/index.js";

/** A store in memory that outlives its adapters, counts its reads and can be sent a delayed save. */
export class SharedStore {
  readonly #tasks = new MemoryAdapter();
  #reads = 0;

  readonly connect = (): Adapter => new Connection(this.#tasks, () => this.#reads++);

  readonly options: ConformanceOptions = {
    persistent: true,
    reads: () => this.#reads,
    // Its saves can't be delayed: one that is missing has been replaced or completed.
    redeliver: async () => {},
  };

  /** Saves a completed task once more, like a store without tombstones. */
  readonly revive = async (entry: SaveEntry, _savedAt: Version): Promise<void> => {
    await this.#tasks.save([entry]);
  };
}

class Connection extends MemoryAdapter {
  readonly #tasks: Adapter;
  readonly #onRead: () => void;

  constructor(tasks: Adapter, onRead: () => void) {
    super();
    this.#tasks = tasks;
    this.#onRead = onRead;
  }

  override get claims(): ClaimStore {
    const { claims } = this.#tasks;
    if (claims === undefined) throw new Error("it has claims");
    const open = <Call extends unknown[], T>(call: (...given: Call) => Promise<T>) => {
      return async (...given: Call): Promise<T> => {
        await this.open(given.at(-1) as OperationOptions);
        return call.apply(claims, given);
      };
    };
    const { claim, renew, release, states } = claims;
    return { claim: open(claim), renew: open(renew), release: open(release), states: open(states) };
  }

  override async save(...call: Parameters<Adapter["save"]>): ReturnType<Adapter["save"]> {
    await this.open(call[1]);
    return this.#tasks.save(...call);
  }

  override async saveTogether(entries: readonly SaveEntry[], options?: OperationOptions): Promise<readonly Version[]> {
    await this.open(options);
    return (await this.#tasks.saveTogether?.(entries, options)) ?? [];
  }

  override async *lists(options: OperationOptions = {}): AsyncGenerator<readonly string[], void, undefined> {
    await this.#read(options);
    yield* this.#tasks.lists?.(options) ?? [];
  }

  override async find(...call: Parameters<Adapter["find"]>): ReturnType<Adapter["find"]> {
    await this.open(call[1]);
    return this.#tasks.find(...call);
  }

  override async complete(...call: Parameters<Adapter["complete"]>): ReturnType<Adapter["complete"]> {
    await this.open(call[1]);
    return this.#tasks.complete(...call);
  }

  override async *all(list: string, options: AllOptions): AsyncGenerator<readonly StoredTask[], void, undefined> {
    await this.#read(options);
    for await (const page of this.#tasks.all(list, options)) {
      yield page;
      await this.#read(options);
    }
  }

  async #read(options: OperationOptions): Promise<void> {
    await this.open(options);
    this.#onRead();
  }
}

/** Has its own claims, which no other adapter knows. */
export function withOwnClaims(adapter: Adapter): Adapter {
  const versionOf = (key: TaskKey) => (key as CompleteEntry).savedAt;
  const claims = new MemoryClaims({ clock: processClock, check: () => {}, versionOf });
  return Object.defineProperty(adapter, "claims", { value: claims });
}

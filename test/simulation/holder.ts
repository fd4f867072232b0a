import type { Outcome, Version } from "../../src/adapter/adapter.js";

/** A task object in a process: the version that it has, as `save` and `find` leave it. */
export class Holder {
  readonly id: string;
  version: Version | undefined;
  /** Versions that saves of unknown outcome may have left behind it. */
  replaced: readonly Version[] = [];
  /** The versions that this object was saved at, or may have been. */
  readonly tried = new Set<Version>();

  constructor(id: string, version?: Version) {
    this.id = id;
    this.version = version;
  }

  get replaces(): readonly Version[] {
    return this.version === undefined ? [] : [this.version, ...this.replaced];
  }

  /** As the runtime does it with a task. */
  settle(outcome: Outcome<Version>): void {
    const adopted = outcome.ok ? outcome.value : outcome.attempted;
    if (adopted === undefined || (this.version !== undefined && this.version >= adopted)) return;
    this.replaced = outcome.ok ? [] : this.replaces;
    this.version = adopted;
  }
}

/** Objects of one id that a process keeps at once. */
const KEPT = 3;

/** The task objects of a process. */
export class Holders {
  readonly #byId = new Map<string, Holder[]>();

  add(holder: Holder): Holder {
    const all = this.#byId.get(holder.id) ?? [];
    this.#byId.set(holder.id, [holder, ...all].slice(0, KEPT));
    return holder;
  }

  /** Those of an id, the latest first. */
  of(id: string): readonly Holder[] {
    return this.#byId.get(id) ?? [];
  }

  remove(holder: Holder): void {
    this.#byId.set(
      holder.id,
      this.of(holder.id).filter((other) => other !== holder),
    );
  }

  clear(): void {
    this.#byId.clear();
  }
}

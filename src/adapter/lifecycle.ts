import { type OperationOptions, throwIfAborted, untilAborted } from "../core/abort.js";
import { TaskError } from "../core/errors.js";

/** What an adapter works on, such as a connection, and how to open and close it. */
export interface LifecycleOptions<Opened> {
  /** Is called by the first call, and again by the next one if it fails. */
  open(): Promise<Opened>;
  /** Is called once. Calls may still be under way: `idle` resolves when they have ended. */
  close(opened: Opened, idle: Promise<void>): Promise<void>;
  /** Whether it can still be used; if not, the next call opens another. @defaultValue always */
  isUsable?(opened: Opened): boolean;
}

/**
 * Opens an adapter at its first call, and closes it after its last.
 *
 *     readonly #lifecycle = new Lifecycle({ open: () => connect(url), close: (client, idle) => idle.then(() => client.end()) });
 *     find(keys, { signal } = {}) { return this.#lifecycle.call(signal, (client) => client.find(keys)); }
 *     close() { return this.#lifecycle.close(); }
 */
export class Lifecycle<Opened> {
  readonly #options: LifecycleOptions<Opened>;
  #opening: Promise<Opened> | undefined;
  #opened: Opened | undefined;
  #closing: Promise<void> | undefined;
  #calls = 0;
  #whenIdle: (() => void) | undefined;

  constructor(options: LifecycleOptions<Opened>) {
    this.#options = options;
  }

  /** Does the work of a call on what is open. Throws CLOSED, ABORTED, and what `open` and `work` throw. */
  async call<T>(signal: OperationOptions["signal"], work: (opened: Opened) => Promise<T>): Promise<T> {
    if (this.#closing) throw new TaskError("CLOSED", "the adapter has been closed");
    throwIfAborted(signal);
    this.#calls++;
    try {
      return await work(this.#usable() ?? (await this.#open(signal)));
    } finally {
      this.#calls--;
      if (this.#calls === 0) this.#whenIdle?.();
    }
  }

  /** Refuses further calls, and closes what is open. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const idle = new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      if (this.#calls === 0) resolve();
    });
    await this.#opening?.catch(() => undefined);
    if (this.#opened !== undefined) await this.#options.close(this.#opened, idle);
  }

  #usable(): Opened | undefined {
    if (this.#opened !== undefined && this.#options.isUsable?.(this.#opened) === false) this.#opened = undefined;
    return this.#opened;
  }

  async #open(signal: OperationOptions["signal"]): Promise<Opened> {
    this.#opening ??= this.#options
      .open()
      .then((opened) => {
        this.#opened = opened;
        return opened;
      })
      .finally(() => {
        this.#opening = undefined;
      });
    const opened = await untilAborted(this.#opening, signal);
    throwIfAborted(signal); // which may have been in the meantime
    return opened;
  }
}

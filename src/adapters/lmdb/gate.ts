import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TaskError } from "../../errors.js";
import type { GateRoot, Lmdb } from "./driver.js";
import { GATE_FILE } from "./folder.js";
import { inTurn } from "./turn.js";

/** There while somebody opens the store, or has died of it. */
const SIGN = "opening";

/** For how long this process stands still, to wait for those who write; the first time, and at most, in milliseconds. */
const FIRST_WINDOW = 10;
const LAST_WINDOW = 640;

/** How long all of that may take, in milliseconds. */
const PATIENCE = 10_000;

const NO_ROW = Buffer.from("none");
const NO_STAMP = 1;

/**
 * Keeps opening the store apart from writing to it, of all processes. LMDB 0.9.90, which lmdb-js contains, notes the
 * number of the last transaction anew whenever it is opened: another process that commits at that moment loses its
 * transaction, or its life (https://bugs.openldap.org/show_bug.cgi?id=9496).
 *
 * It is an LMDB environment of its own, without any data. Who writes takes one of its places for readers, and then looks
 * for the sign; who opens takes its lock, puts up the sign, and then looks at the places. LMDB gives back the places and
 * the lock of those who die.
 */
export class Gate {
  readonly #root: GateRoot;
  readonly #folder: string;
  readonly #sign: string;

  private constructor(root: GateRoot, folder: string) {
    this.#root = root;
    this.#folder = folder;
    this.#sign = join(folder, SIGN);
  }

  /** Of a folder that has been prepared. Throws what lmdb-js throws. */
  static open({ openGate }: Lmdb, folder: string): Promise<Gate> {
    return inTurn(folder, () => new Gate(openGate(join(folder, GATE_FILE)), folder));
  }

  /** Runs `open` while nobody writes. Throws what it throws, and UNAVAILABLE where somebody does not stop writing. */
  async alone<T>(open: () => T): Promise<T> {
    const end = performance.now() + PATIENCE;
    for (let window = FIRST_WINDOW; ; window = Math.min(2 * window, LAST_WINDOW)) {
      const result = this.#tryAlone(open, window);
      if (result) return result.value;
      if (performance.now() > end) throw this.#occupied();
      await sleep(1);
    }
  }

  /** Resolves once nobody opens the store, to the function that lets others open it again. */
  async enter(): Promise<() => void> {
    for (;;) {
      const place = this.#root.useReadTransaction();
      const leave = () => {
        place.done();
        this.#root.resetReadTxn();
      };
      if (!existsSync(this.#sign)) return leave;
      leave();
      await this.#waitForTheSign();
    }
  }

  close(): Promise<void> {
    return inTurn(this.#folder, () => this.#root.close());
  }

  /** Undefined where somebody has written all the time. */
  #tryAlone<T>(open: () => T, window: number): { readonly value: T } | undefined {
    let result: { readonly value: T } | undefined;
    this.#root.transactionSync(() => {
      writeFileSync(this.#sign, "");
      try {
        if (this.#waitForWriters(window)) result = { value: open() };
      } finally {
        rmSync(this.#sign, { force: true });
      }
    });
    return result;
  }

  /** Whether they have stopped. Synchronously: within a transaction lmdb-js waits for nothing else. */
  #waitForWriters(window: number): boolean {
    const end = performance.now() + window;
    while (this.#writers().length > 0) {
      if (performance.now() > end) return false;
      Atomics.wait(sleeper, 0, 0, 1);
    }
    return true;
  }

  /** The processes that write, by their numbers. */
  #writers(): string[] {
    this.#root.readerCheck();
    const [, ...lines] = this.#root.readerList().split("\n");
    const places = lines.map((line) => line.trim().split(/\s+/));
    return places.flatMap(([process, , transaction]) =>
      process && transaction && transaction !== "-" ? [process] : [],
    );
  }

  async #waitForTheSign(): Promise<void> {
    const before = this.#identifySign();
    // Nothing is written, but only after who had the lock has given it back.
    await this.#root.batch(() => {
      this.#root.ifVersion(NO_ROW, NO_STAMP, () => this.#root.remove(NO_ROW));
    });
    if (before === undefined || before !== this.#identifySign()) return;
    this.#root.transactionSync(() => {
      if (before === this.#identifySign()) rmSync(this.#sign, { force: true }); // who had put it up has died
    });
  }

  /** A text that another sign does not have; undefined where there is none. */
  #identifySign(): string | undefined {
    const sign = statSync(this.#sign, { throwIfNoEntry: false, bigint: true });
    return sign && `${sign.ino} ${sign.mtimeNs}`;
  }

  #occupied(): TaskError {
    const who = this.#writers().join(", ");
    const reason = `process ${who} is in the midst of writing to it, and has not gone on for ${PATIENCE / 1000} s`;
    return new TaskError("UNAVAILABLE", `the LMDB store can't be opened: ${reason}: let it go on, or end it`);
  }
}

const sleeper = new Int32Array(new SharedArrayBuffer(4));

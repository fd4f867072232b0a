import type { Output } from "../terminal.js";

const FIRST_AFTER = 1_000;
const INTERVAL = 100;
const CLEAR_LINE = "\r\u001b[K";

/** The progress of a command, in a line of the terminal, if the command takes longer than a second. */
export class Progress {
  readonly #err: Output;
  readonly #isShown: boolean;
  #next = performance.now() + FIRST_AFTER;
  #isOnScreen = false;

  constructor(err: Output, quiet: boolean | undefined) {
    this.#err = err;
    this.#isShown = err.isTTY && !quiet;
  }

  show(text: () => string): void {
    if (!this.#isShown || performance.now() < this.#next) return;
    this.#next = performance.now() + INTERVAL;
    this.#isOnScreen = true;
    this.#err.write(`${CLEAR_LINE}${text()}`);
  }

  end(): void {
    if (this.#isOnScreen) this.#err.write(CLEAR_LINE);
    this.#isOnScreen = false;
  }
}

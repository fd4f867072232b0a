// The reader may stop early, as in `npm start | head -1`.
process.stdout.on("error", () => process.exit());

/** A progress line on the terminal; nothing if the output is not a terminal. */
export class Progress {
  readonly #total: number;
  readonly #state = { saved: 0, done: 0 };

  constructor(total: number) {
    this.#total = total;
  }

  show(state: { saved?: number; done?: number }): void {
    Object.assign(this.#state, state);
    if (!process.stderr.isTTY) return;
    const { saved, done } = this.#state;
    process.stderr.write(`\r\u001b[K${saved} of ${this.#total} saved, ${done} done`);
  }

  end(): void {
    if (process.stderr.isTTY) process.stderr.write("\r\u001b[K");
  }
}

/** Prints a table: names on the left, figures on the right. */
export function printTable(rows: readonly (readonly [string, string | number])[]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  const figures = Math.max(...rows.map(([, value]) => String(value).length));
  for (const [name, value] of rows) console.log(`${name.padEnd(width)}  ${String(value).padStart(figures)}`);
}

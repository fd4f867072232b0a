import { printableLine } from "../../inspection/printable.js";
import type { Output, Style } from "../terminal.js";
import { cutTo, widthOf } from "./width.js";

export interface Column<R> {
  readonly name: string;
  value(record: R): string;
  style?(record: R): Style | undefined;
  /** For columns whose header is printed before there is a row. */
  readonly minWidth?: number;
}

const GAP = "   ";

/** Lines of columns, without borders. The last column is truncated if the terminal is too narrow. */
export class Table<R> {
  readonly #out: Output;
  readonly #columns: readonly Column<R>[];
  readonly #widths: number[];
  #isHeaderDue: boolean;

  constructor(out: Output, columns: readonly Column<R>[], headers: boolean) {
    this.#out = out;
    this.#columns = columns;
    this.#widths = columns.map(({ name, minWidth = 0 }) => Math.max(minWidth, headers ? name.length : 0));
    this.#isHeaderDue = headers;
  }

  /** Columns are as wide as these rows, and all rows before them, need. */
  write(records: readonly R[]): void {
    const rows = records.map((record) => this.#columns.map((column) => printableLine(column.value(record))));
    for (const row of rows)
      for (const [i, cell] of row.entries()) this.#widths[i] = Math.max(this.#widths[i] as number, widthOf(cell));
    const lines = rows.map((row, at) => this.#line(row, (i) => this.#columns[i]?.style?.(records[at] as R)));
    if (this.#isHeaderDue) lines.unshift(this.#header());
    this.#isHeaderDue = false;
    this.#out.write(lines.join("")); // at once: each write to a pipe is one to the system
  }

  #header(): string {
    const names = this.#columns.map(({ name }) => name);
    return this.#line(names, () => "bold");
  }

  #line(cells: readonly string[], styleOf: (column: number) => Style | undefined): string {
    const { columns, isTTY } = this.#out;
    let left = isTTY && columns ? columns : Infinity;
    const last = cells.length - 1;
    const styled = cells.map((cell, i) => {
      const width = this.#widths[i] as number;
      const text = i === last ? cutTo(cell, Math.max(left, MIN_LAST)) : cell;
      left -= width + GAP.length;
      const style = styleOf(i);
      const padding = i === last ? "" : " ".repeat(width - widthOf(text));
      return (style ? this.#out.style(style, text) : text) + padding;
    });
    return `${styled.join(GAP).trimEnd()}\n`;
  }
}

/** Minimum width of the last column, however narrow the terminal is. */
const MIN_LAST = 16;

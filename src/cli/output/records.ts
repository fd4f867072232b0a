import { printable } from "../../inspection/printable.js";
import type { Output } from "../terminal.js";
import type { Format } from "./format.js";
import { type Column, Table } from "./table.js";

export interface RecordOptions<R> {
  readonly format: Format;
  readonly headers: boolean;
  /** The columns of a table. */
  readonly columns: readonly Column<R>[];
}

/** Number of rows that are written together: the widths of a table's columns fit these. */
const ROWS_AT_ONCE = 200;

/** Prints records one by one: as rows of a table, as an array of JSON, or as a line of JSON each. */
export class RecordPrinter<R extends object> {
  readonly #out: Output;
  readonly #format: Format;
  readonly #table: Table<R>;
  #rows: R[] = [];
  #count = 0;

  constructor(out: Output, { format, headers, columns }: RecordOptions<R>) {
    this.#out = out;
    this.#format = format;
    this.#table = new Table(out, columns, headers);
  }

  /** Whether somebody still reads the output. */
  get isWanted(): boolean {
    return !this.#out.isClosed;
  }

  get count(): number {
    return this.#count;
  }

  async add(record: R): Promise<void> {
    this.#count++;
    if (this.#format === "table") {
      this.#rows.push(record);
      if (this.#rows.length >= ROWS_AT_ONCE) this.flush();
    } else if (this.#format === "jsonl") this.#out.write(`${jsonText(record)}\n`);
    else this.#out.write(`${this.#count === 1 ? "[\n" : ",\n"}${jsonText(record)}`);
    await this.#out.ready();
  }

  /** Writes the rows that were held back for their widths. */
  flush(): void {
    if (this.#format === "table") this.#table.write(this.#rows);
    this.#rows = [];
  }

  /** Ends the output. A table without rows still has its header. */
  end(): void {
    if (this.#format === "table" && (this.#rows.length > 0 || this.#count === 0)) this.flush();
    if (this.#format === "json") this.#out.write(this.#count === 0 ? "[]\n" : "\n]\n");
  }
}

/** JSON that is safe to print on a terminal. */
export function jsonText(value: unknown, indent?: number): string {
  return printable(JSON.stringify(value, undefined, indent));
}

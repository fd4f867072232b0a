import type { Registry } from "@bufbuild/protobuf";
import { TaskError } from "../core/errors.js";
import { Problem } from "../core/problem.js";
import { MAX_DEPTH } from "../data/data-check.js";
import type { Writer } from "../wire/writer.js";

export interface JsonOptions {
  /** The types that an Any may hold. */
  readonly registry: Registry;
  readonly ignoreUnknownFields: boolean;
  /**
   * Refuses values that can be read back here, but not everywhere: a negative zero, whose sign JSON's text drops; an empty path
   * of a FieldMask, which some libraries ignore; a key that may stand for two fields.
   */
  readonly isStrict: boolean;
  /** Maximum size of the task, in bytes. Twice as many may be written, since base64 takes a third more. */
  readonly maxBytes: number;
}

/** The envelope and the Any around the data count as levels of the JSON, too. */
const MAX_LEVELS = MAX_DEPTH + 2;

/** Writes the bytes that JSON stands for, within bounds. */
export class JsonWriting {
  readonly writer: Writer;
  readonly options: JsonOptions;
  readonly #end: number;
  #depth = 0;

  constructor(writer: Writer, start: number, options: JsonOptions) {
    this.writer = writer;
    this.options = options;
    this.#end = start + 2 * options.maxBytes;
  }

  /** Begins a message. */
  enter(): void {
    if (++this.#depth > MAX_LEVELS) throw new Problem(`it is nested deeper than ${MAX_DEPTH} messages`);
  }

  leave(): void {
    this.#depth--;
  }

  /** Returns the same value. Throws if it is a negative zero, and strict reading was asked for. */
  checkNumber<T>(value: T): T {
    if (this.options.isStrict && Object.is(value, -0)) throw new Problem("it is a negative zero");
    return value;
  }

  /** Throws TOO_LARGE for a text that will not fit, before it is decoded and memory is allocated for it. */
  checkText(p: number, json: unknown): void {
    // Of base64, four characters make three bytes.
    if (typeof json === "string") this.checkSize(p + Math.floor(json.length / 2));
  }

  /** Returns the same position. Throws TOO_LARGE if too much has been written; the exact size is known only at the end. */
  checkSize(p: number): number {
    if (p <= this.#end) return p;
    const { maxBytes } = this.options;
    const message = `the hash stands for more than twice as many bytes as the limit, ${maxBytes} (maxTaskBytes)`;
    throw new TaskError("TOO_LARGE", message, { field: "data" });
  }
}

import { type ByteSource, supplyBytes } from "../core/byte-source.js";
import { invalidArgument, TaskError } from "../core/errors.js";
import { SourceReader } from "../core/pull-source.js";
import { isBytes } from "../core/values.js";

/**
 * The messages of a stream of frames, all that a chunk completes at once. Each is a view that is valid until the next one is asked
 * for. Throws TOO_LARGE for a length over `maxBytes`, before memory is allocated for it; TRUNCATED if the stream ends inside a
 * frame; ABORTED. It always closes the source.
 */
export async function* readFrames(
  source: ByteSource,
  maxBytes: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Iterable<Uint8Array>, void, undefined> {
  const chunks = new SourceReader(supplyBytes(source), signal);
  const frames = new FrameReader(maxBytes);
  try {
    for (;;) {
      const next = (await chunks.next()) as IteratorResult<Uint8Array>;
      if (next.done) break;
      yield frames.read(next.value);
    }
    frames.end();
  } finally {
    await chunks.close();
  }
}

function adviseOnChunk(chunk: unknown): string {
  if (typeof chunk === "number") return "; bytes that are all there go into an array: [bytes]";
  return typeof chunk === "string" ? "; a stream must have no encoding" : "";
}

/** Puts frames together from chunks that may end anywhere. */
export class FrameReader {
  readonly #maxBytes: number;
  /** Complete frames. */
  #count = 0;
  /** The bytes of a length so far, and its value so far. */
  #lengthBytes = 0;
  #length = 0;
  /** The beginning of a message whose length is known. */
  #begun: Uint8Array | undefined;
  #filled = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The messages that a chunk completes. Throws TOO_LARGE, INVALID_BATCH, INVALID_ARGUMENT. */
  *read(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    if (!isBytes(chunk)) throw invalidArgument("source", "chunks that are Uint8Arrays", chunk, adviseOnChunk(chunk));
    let at = 0;
    while (at < chunk.length) {
      if (this.#begun === undefined && !this.#readLength(chunk[at++] as number)) continue;
      const rest = chunk.subarray(at, at + this.#length - this.#filled);
      at += rest.length;
      const message = this.#complete(rest);
      if (message) yield message;
    }
  }

  /** Throws TRUNCATED if the last frame is incomplete. */
  end(): void {
    if (this.#begun === undefined && this.#lengthBytes === 0) return;
    const part = this.#begun ? `${this.#filled} bytes of ${this.#length} of its message` : "a part of its length";
    throw new TaskError("TRUNCATED", `the stream ends inside of frame ${this.#count + 1}, after ${part}`);
  }

  /** Whether the length is now known. */
  #readLength(byte: number): boolean {
    this.#length += (byte & 0x7f) * 2 ** (7 * this.#lengthBytes++);
    if (byte >= 0x80) {
      if (this.#lengthBytes === 5) throw this.#refuse("INVALID_BATCH", "its length has more than 5 bytes");
      return false;
    }
    const limit = this.#maxBytes;
    if (this.#length > limit)
      throw this.#refuse("TOO_LARGE", `it has ${this.#length} bytes; the limit is ${limit} (maxBatchBytes)`);
    this.#begun = nothing;
    return true;
  }

  /** The message, if these bytes complete it; one that came in one piece is not copied. */
  #complete(rest: Uint8Array): Uint8Array | undefined {
    const isWhole = this.#filled + rest.length === this.#length;
    if (isWhole && this.#filled === 0) return this.#startAnew(rest);
    this.#append(rest);
    return isWhole ? this.#startAnew((this.#begun as Uint8Array).subarray(0, this.#length)) : undefined;
  }

  #startAnew(message: Uint8Array): Uint8Array {
    this.#begun = undefined;
    this.#filled = this.#length = this.#lengthBytes = 0;
    this.#count++;
    return message;
  }

  /** Allocates memory as bytes arrive, not for the announced length. */
  #append(bytes: Uint8Array): void {
    const needed = this.#filled + bytes.length;
    let begun = this.#begun as Uint8Array;
    if (begun.length < needed) {
      const larger = new Uint8Array(Math.min(this.#length, Math.max(2 * begun.length, needed)));
      larger.set(begun.subarray(0, this.#filled));
      this.#begun = begun = larger;
    }
    begun.set(bytes, this.#filled);
    this.#filled = needed;
  }

  #refuse(code: "TOO_LARGE" | "INVALID_BATCH", reason: string): TaskError {
    const field = code === "TOO_LARGE" ? "maxBatchBytes" : undefined;
    return new TaskError(code, `frame ${this.#count + 1} can't be read: ${reason}`, { field });
  }
}

const nothing = new Uint8Array();

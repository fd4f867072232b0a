import { once } from "node:events";
import { Socket } from "node:net";
import { BinaryWriter, sizeDelimitedPeek } from "@bufbuild/protobuf/wire";

/** Writes length-delimited frames to this process's standard output, until nobody reads them any more. */
export class FrameWriter {
  // Not process.stdout: that blocks the whole process while its reader is busy.
  readonly #pipe = new Socket({ fd: 1, readable: false });
  #isOpen = true;

  constructor() {
    this.#pipe.on("error", () => {
      this.#isOpen = false;
    });
  }

  /** Hands a frame over; the reader may be gone, and the frame with it. */
  write(frame: Uint8Array): void {
    if (this.#isOpen) this.#pipe.write(new BinaryWriter().bytes(frame).finish());
  }

  /** Waits until the reader has caught up, or is gone. */
  async ready(): Promise<void> {
    if (this.#isOpen && this.#pipe.writableNeedDrain) await once(this.#pipe, "drain").catch(() => undefined);
  }

  end(): void {
    this.#pipe.end();
  }
}

/** The frames of a stream, one after the other. */
export async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  let rest = new Uint8Array();
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = firstFrame(rest); frame; frame = firstFrame(rest)) {
      yield frame.bytes;
      rest = rest.subarray(frame.end);
    }
  }
}

function firstFrame(bytes: Uint8Array): { bytes: Uint8Array; end: number } | undefined {
  const { eof, size, offset } = sizeDelimitedPeek(bytes);
  if (eof || size === null || bytes.length < offset + size) return undefined;
  return { bytes: bytes.subarray(offset, offset + size), end: offset + size };
}

import { invalidArgument, type TaskError } from "./errors.js";
import { type Supply, supplyOf } from "./pull-source.js";
import { readArgument } from "./read-from.js";
import { readOr } from "./values.js";

/** The part of a web stream of bytes that is used here, such as the body of a request or of a response. */
export interface ByteStream {
  /** Locks the stream and returns its reader. */
  getReader(): {
    /** Resolves to the next chunk. */
    read(): Promise<{
      /** True at the end of the stream. */
      readonly done: boolean;
      /** The chunk; undefined at the end. */
      readonly value?: Uint8Array | undefined;
    }>;
    /** Cancels the stream. */
    cancel(reason?: unknown): Promise<void>;
    /** Unlocks the stream. */
    releaseLock(): void;
  };
}

/** Where bytes come from, in chunks of any size: a Node stream (a socket, a file), a web stream, any iterable. */
export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array> | ByteStream;

/** The part of a Node.js stream that is used here. */
interface NodeStream {
  iterator(options: { readonly destroyOnReturn: boolean }): AsyncIterator<Uint8Array>;
  destroy(): unknown;
}

/** The chunks of a source. If reading stops early, a stream is cancelled, even while a read is pending. */
export function supplyBytes(source: ByteSource): Supply<Uint8Array> {
  if (hasMethods<NodeStream>(source, "iterator", "destroy")) return supplyNodeStream(source);
  if (hasMethods<ByteStream>(source, "getReader")) return supplyWebStream(source);
  return supplyOf(source, expected);
}

const expected = "a stream, an iterable or an async iterable of Uint8Arrays";

function hasMethods<T>(value: unknown, ...names: (keyof T & string)[]): value is T {
  return readOr(false, () => names.every((name) => typeof Object(value)[name] === "function"));
}

function noStream(value: unknown): TaskError {
  return invalidArgument("source", expected, value, "; give the stream, not its reader");
}

function supplyNodeStream(stream: NodeStream): Supply<Uint8Array> {
  // A socket whose other half is still needed, to answer, must not be destroyed when this half has ended.
  const iterator = readArgument("source", () => stream.iterator({ destroyOnReturn: false }));
  if (!hasMethods<AsyncIterator<Uint8Array>>(iterator, "next")) throw noStream(stream);
  const close = async () => {
    stream.destroy();
  };
  return { next: () => iterator.next(), close };
}

function supplyWebStream(stream: ByteStream): Supply<Uint8Array> {
  const reader = readArgument("source", () => stream.getReader());
  if (!hasMethods<ReturnType<ByteStream["getReader"]>>(reader, "read", "cancel", "releaseLock")) throw noStream(stream);
  const next = async () => {
    const { done, value } = await reader.read();
    if (done) reader.releaseLock();
    return { done, value } as IteratorResult<Uint8Array>;
  };
  const close = async () => {
    await reader.cancel().catch(() => undefined);
    reader.releaseLock();
  };
  return { next, close };
}

import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import { commandError, exitCodes } from "./command-error.js";
import type { Terminal } from "./terminal.js";

/** The bytes of a file, or of the standard input if no file or `-` is named. It ends when the command is interrupted. */
export function openInput(terminal: Terminal, file?: string): AsyncIterable<Uint8Array> {
  const stream = openStream(terminal, file);
  const interrupted = terminal.interrupted();
  interrupted.addEventListener("abort", () => stream.destroy(interrupted.reason));
  return stream;
}

function openStream({ cwd, input }: Terminal, file: string | undefined): Readable {
  if (file !== undefined && file !== "-") return createReadStream(resolve(cwd, file));
  if (!input.isTTY) return input;
  const advice = "Name a file, or send it through a pipe: … <FILE";
  throw commandError(exitCodes.usage, "NO_INPUT", "there is nothing to read: the input is a terminal", advice);
}

/** The lines of a text, without line ends. */
export async function* readLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() as string;
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  rest += decoder.decode();
  if (rest !== "") yield rest;
}

/** The first bytes, at least the given number if there are as many, and all bytes, these included. */
export async function peek(
  chunks: AsyncIterable<Uint8Array>,
  count: number,
): Promise<{ readonly start: Uint8Array; readonly all: AsyncIterable<Uint8Array> }> {
  const iterator = chunks[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let size = 0;
  while (size < count) {
    const { done, value } = await iterator.next();
    if (done) break;
    first.push(value);
    size += value.length;
  }
  return { start: Buffer.concat(first), all: chain(first, iterator) };
}

async function* chain(first: readonly Uint8Array[], rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* first;
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
  } finally {
    await rest.return?.();
  }
}

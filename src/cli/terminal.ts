import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { styleText } from "node:util";
import { Interruption } from "./command-error.js";

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** One of the two streams of a command: `out` for its result, `err` for everything else. */
export interface Output {
  write(text: string | Uint8Array): void;
  /** Resolves when more may be written: at once, or when the reader has caught up, or has closed the stream. */
  ready(): Promise<void>;
  /** Whether nobody reads it any more. */
  readonly isClosed: boolean;
  /** The text in a style, or unchanged if colours are not wanted. */
  style(style: Style, text: string): string;
  /** Whether colours are wanted: on a terminal, unless NO_COLOR is set. */
  colored: boolean;
  readonly isTTY: boolean;
  /** The number of columns of a terminal. */
  readonly columns: number | undefined;
}

/** What a command knows of the process that it runs in. */
export interface Terminal {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly err: Output;
  /** The standard input. */
  readonly input: Readable & { readonly isTTY?: boolean };
  /** Aborted when the command is interrupted (SIGINT, SIGTERM). From the first call on, that does not end the process. */
  interrupted(): AbortSignal;
  /** Asks on the terminal. Only if both input and `err` are terminals. Throws an Interruption if there is no answer. */
  ask(question: string): Promise<string>;
}

/** The text with each line indented by two columns. */
export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

export function processTerminal(): Terminal {
  const { stdin, stdout, stderr, env } = process;
  return {
    cwd: process.cwd(),
    env,
    out: createOutput(stdout, env),
    err: createOutput(stderr, env),
    get input() {
      return stdin; // only when it is needed: once accessed, it may keep the process running
    },
    interrupted,
    ask: (question) => ask(question, stdin, stderr),
  };
}

/** Throws an Interruption for Ctrl+C and Ctrl+D, which no signal tells while a line is read. */
async function ask(question: string, input: Readable, output: Writable): Promise<string> {
  const { createInterface } = await import("node:readline/promises"); // few commands ask
  const lines = createInterface({ input, output });
  const left = new AbortController();
  for (const event of ["SIGINT", "close"]) lines.once(event, () => left.abort());
  try {
    return await lines.question(question, { signal: AbortSignal.any([interrupted(), left.signal]) });
  } catch (error) {
    output.write("\n");
    throw (error as Error).name === "AbortError" ? new Interruption("no answer") : error;
  } finally {
    lines.close();
  }
}

let interruption: AbortController | undefined;

function interrupted(): AbortSignal {
  if (interruption === undefined) {
    const controller = new AbortController();
    interruption = controller;
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => {
        if (controller.signal.aborted) process.exit(130); // the second signal ends the process at once
        controller.abort(new Interruption(signal));
      });
  }
  return interruption.signal;
}

export function createOutput(
  stream: { write(text: string | Uint8Array): unknown } & Partial<Omit<Writable, "write">> & {
      readonly isTTY?: boolean;
      readonly columns?: number;
    },
  env: NodeJS.ProcessEnv,
): Output {
  let isClosed = false;
  const close = () => {
    isClosed = true;
  };
  stream.on?.("error", close).on("close", close);
  return {
    colored: stream.isTTY === true && !env.NO_COLOR,
    isTTY: stream.isTTY === true,
    get columns() {
      return stream.columns;
    },
    get isClosed() {
      return isClosed;
    },
    write: (text) => void stream.write(text),
    async ready() {
      if (isClosed || !stream.writableNeedDrain) return;
      const ended = new AbortController();
      const events = ["drain", "error", "close"].map((event) =>
        once(stream as Writable, event, { signal: ended.signal }),
      );
      await Promise.race(events).catch(() => undefined);
      ended.abort();
      await Promise.allSettled(events);
    },
    style(style, text) {
      // By default, newer versions of Node check stdout, whatever the stream is.
      return this.colored ? styleText(style, text, { validateStream: false }) : text;
    },
  };
}

import { styleText } from "node:util";

export type Style = "bold" | "dim" | "red" | "green" | "yellow";

/** One of the two streams of a command: `out` has what it was asked for, `err` all the rest. */
export interface Output {
  write(text: string): void;
  /** The text in a style, or as it is where colours are not wanted. */
  style(style: Style, text: string): string;
  /** Whether colours are wanted: on a terminal, unless NO_COLOR is set. */
  colored: boolean;
}

/** What a command knows of the process that it runs in. */
export interface Terminal {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  readonly err: Output;
}

/** Text as a terminal may show it: what files hold must not move the cursor or pass itself off as other lines. */
export function printable(text: string): string {
  return text.replace(/(?!\n)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (char) => {
    return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** Text with each of its lines two columns further in. */
export function indented(text: string): string {
  return text.replace(/^(?=.)/gm, "  ");
}

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  return { cwd: process.cwd(), env, out: createOutput(stdout, env), err: createOutput(stderr, env) };
}

export function createOutput(
  stream: { write(text: string): unknown; readonly isTTY?: boolean },
  env: NodeJS.ProcessEnv,
): Output {
  return {
    colored: stream.isTTY === true && !env.NO_COLOR,
    write: (text) => void stream.write(text),
    style(style, text) {
      // Newer Nodes would look at stdout themselves, whatever the stream is.
      return this.colored ? styleText(style, text, { validateStream: false }) : text;
    },
  };
}

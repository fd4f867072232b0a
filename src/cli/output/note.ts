import { printable } from "../../inspection/printable.js";
import type { Terminal } from "../terminal.js";

/** Writes a note for the user, beside the result. */
export function writeNote({ err }: Terminal, { quiet }: { readonly quiet?: boolean }, text: string): void {
  if (!quiet) err.write(`${printable(text)}\n`);
}

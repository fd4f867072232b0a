import { printableLine } from "../inspection/printable.js";
import { commandError, exitCodes, Interruption } from "./command-error.js";
import type { Session } from "./session.js";
import type { Terminal } from "./terminal.js";

/**
 * Asks for confirmation of something that can't be undone, unless it was given already; `checkConfirmation` comes before.
 * Throws an Interruption if the answer is no.
 */
export async function confirm(
  terminal: Terminal,
  { patience }: Session,
  question: string,
  yes: boolean | undefined,
): Promise<void> {
  if (yes) return;
  const answer = await patience.suspend(() => terminal.ask(`${printableLine(question)} [y/N] `));
  if (!/^y(es)?$/i.test(answer.trim())) throw new Interruption("the answer was no");
}

/** Throws a CommandError, with this advice, if it was not confirmed already, and nobody can be asked. */
export function checkConfirmation({ input, err }: Terminal, yes: boolean | undefined, advice: string): void {
  if (yes || (input.isTTY && err.isTTY)) return;
  const text = "this needs a confirmation, and there is no terminal to ask for it";
  throw commandError(exitCodes.usage, "NOT_CONFIRMED", text, advice);
}

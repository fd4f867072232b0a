import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../inspection/duration.js";

/** Of an option: a time, in milliseconds. */
export function duration(text: string): number {
  const value = parseDuration(text);
  // Longer than that Node's timers do not wait.
  if (value !== undefined && value > 0 && value < 2 ** 31) return value;
  throw new InvalidArgumentError("Write a time such as 500ms, 30s, 2h14m or 7d, at most 24d.");
}

/** Of an option: an age, in milliseconds, however long. */
export function age(text: string): number {
  const value = parseDuration(text);
  if (value !== undefined && value <= Date.now()) return value;
  throw new InvalidArgumentError("Write an age such as 30s, 2h14m or 7d.");
}

/** Of an option: a whole number from 1. */
export function count(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number from 1.");
}

/** Of an option: a task's version. */
export function version(text: string): bigint {
  if (/^[1-9]\d{0,17}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Write a version as `taskledger show` prints it: microseconds since 1970.");
}

/** Of an option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** An option whose value is read by one of these. */
export function valueOption<T>(flags: string, description: string, read: (text: string) => T): Option {
  return new Option(flags, description).argParser(read);
}

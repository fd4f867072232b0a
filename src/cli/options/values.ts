import { InvalidArgumentError, Option } from "commander";
import { parseDuration } from "../../inspection/duration.js";

/** Parses a time to milliseconds. */
export function duration(text: string): number {
  const value = parseDuration(text);
  // The maximum delay of Node's timers.
  if (value !== undefined && value > 0 && value < 2 ** 31) return value;
  throw new InvalidArgumentError("Write a time such as 500ms, 30s, 2h14m or 7d, at most 24d.");
}

/** Parses an age to milliseconds; it may be longer than a timer's delay. */
export function age(text: string): number {
  const value = parseDuration(text);
  if (value !== undefined && value <= Date.now()) return value;
  throw new InvalidArgumentError("Write an age such as 30s, 2h14m or 7d.");
}

/** Parses a whole number from 1. */
export function count(text: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write a whole number from 1.");
}

/** Parses a task's version. */
export function version(text: string): bigint {
  if (/^[1-9]\d{0,17}$/.test(text)) return BigInt(text);
  throw new InvalidArgumentError("Write a version as `taskledger show` prints it: microseconds since 1970.");
}

/** Collects the values of an option that may be given several times. */
export function repeated(text: string, before: readonly string[] = []): string[] {
  return [...before, text];
}

/** An option whose value is parsed by `read`. */
export function valueOption<T>(flags: string, description: string, read: (text: string) => T): Option {
  return new Option(flags, description).argParser(read);
}

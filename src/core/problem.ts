import { shorten } from "./describe-value.js";

/** What is wrong in a value, and where: each level that rethrows it prepends its part of the path. */
export class Problem extends Error {
  /** A path such as `recipients[3]`; empty for the whole value. */
  path = "";

  /** The same problem, one level up: adds a part to the start of its path. */
  in(part: string): this {
    this.path = part + (this.path === "" || this.path.startsWith("[") ? "" : ".") + this.path;
    return this;
  }
}

// Each takes an error that was thrown for a part of a value, and returns it, to be rethrown: a Problem gets the part added to
// its path. So a path is built only if there is a problem.

export function atMember(name: string, thrown: unknown): unknown {
  return thrown instanceof Problem ? thrown.in(/^[\w$]{1,100}$/.test(name) ? name : partOf(name)) : thrown;
}

export function atKey(key: string, thrown: unknown): unknown {
  return thrown instanceof Problem ? thrown.in(partOf(key)) : thrown;
}

export function atIndex(index: number, thrown: unknown): unknown {
  return thrown instanceof Problem ? thrown.in(`[${index}]`) : thrown;
}

function partOf(key: string): string {
  return `[${JSON.stringify(shorten(key))}]`;
}

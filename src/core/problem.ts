import { shorten } from "./describe-value.js";

/** What is wrong in a value, and where: each level that rethrows it prepends its part of the path. */
export class Problem extends Error {
  /** Such as `recipients[3]`; empty for the whole. */
  path = "";

  /** The same problem, of what is at this part of a path. */
  in(part: string): this {
    this.path = part + (this.path === "" || this.path.startsWith("[") ? "" : ".") + this.path;
    return this;
  }
}

// Each returns what was thrown at a part of a value, to be rethrown; a Problem gets its path. Without one, no path is built.

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

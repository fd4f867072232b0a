import { describeValue, messageOf, shorten } from "../core/describe-value.js";

/** What is wrong in a JSON value, and where: each level puts its part of the path before what is there. */
export class JsonProblem extends Error {
  /** Such as `data.recipients[3]`; empty for the whole. */
  path = "";

  /** The same problem, of what is at this part of a path. */
  in(part: string): this {
    this.path = part + (this.path === "" || this.path.startsWith("[") ? "" : ".") + this.path;
    return this;
  }
}

// What was thrown at a part of a JSON value, to be thrown on. A problem of the JSON learns where it is.

export function atMember(name: string, thrown: unknown): unknown {
  return thrown instanceof JsonProblem ? thrown.in(/^[\w$]{1,100}$/.test(name) ? name : partOf(name)) : thrown;
}

export function atKey(key: string, thrown: unknown): unknown {
  return thrown instanceof JsonProblem ? thrown.in(partOf(key)) : thrown;
}

export function atIndex(index: number, thrown: unknown): unknown {
  return thrown instanceof JsonProblem ? thrown.in(`[${index}]`) : thrown;
}

function partOf(key: string): string {
  return `[${JSON.stringify(shorten(key))}]`;
}

export function expected(what: string, json: unknown, advice = ""): JsonProblem {
  return new JsonProblem(`expected ${what}, got ${describeValue(json)}${advice}`);
}

/** What protobuf-es makes of a JSON value; its errors say more than is needed of where they are. */
export function readByLibrary<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { cause = error } = error as Error;
    throw new JsonProblem(shorten(messageOf(cause).replace(/^cannot decode .*? from JSON:? /s, ""), 200));
  }
}

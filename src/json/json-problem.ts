import { describeValue, messageOf, shorten } from "../core/describe-value.js";
import { Problem } from "../core/problem.js";

export function expected(what: string, json: unknown, advice = ""): Problem {
  return new Problem(`expected ${what}, got ${describeValue(json)}${advice}`);
}

/** Calls protobuf-es for a JSON value; its errors contain a path that is not needed here. */
export function readByLibrary<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    const { cause = error } = error as Error;
    throw new Problem(shorten(messageOf(cause).replace(/^cannot decode .*? from JSON:? /s, ""), 200));
  }
}

import { clone, equals, fromBinary, isMessage, type Message } from "@bufbuild/protobuf";
import { isTaskError } from "taskledger";
import { encodeData } from "../../src/data/data.js";
import { checkWire } from "../../src/data/wire-check.js";
import { Malformed, Unsupported } from "../../src/wire/fallback.js";
import { decodeMessage, encodeMessage } from "../../src/wire/message-codec.js";
import type { Subject } from "./codecs.js";
import { isSame, sizeOf } from "./same.js";

/** Whether a codec did it by itself, left it to protobuf-es, or knew that protobuf-es refuses it. */
export type Way = "codec" | "protobuf-es" | "refused";

/**
 * A codec writes a message as the general way does, which checks it and has protobuf-es write it; or it leaves it to
 * that, as all that is refused there. Throws where it does not.
 */
export function tryEncoding({ schema, codec }: Subject, message: Message): Way {
  const bytes = encodeMessage(codec, message);
  const [expected, error] = attempt(() => encodeData(schema, message));
  if (error !== undefined && !isTaskError(error)) throw error;
  if (bytes === undefined) return "protobuf-es";
  if (expected === undefined) throw new Error(`encoded what is refused: ${error}`);
  expectSame(bytes, expected);
  return "codec";
}

/**
 * A codec reads bytes as protobuf-es does, and refuses what that refuses, or leaves them to it. The message shares nothing with
 * the bytes, is no larger than they are, and is what protobuf-es takes for its own. Throws where it is not.
 */
export function tryDecoding(subject: Subject, input: Uint8Array): Way {
  const { schema, codec } = subject;
  const bytes = new Uint8Array(input);
  const message = decodeMessage(codec, bytes);
  bytes.fill(0xaa);
  const [expected, error] = attempt(() => fromBinary(schema, input));
  const [, refusal] = attempt(() => checkWire(schema, input));
  if (String(refusal) !== String(error)) throw new Error(`refused for another reason: ${refusal}, not ${error}`);
  if (message instanceof Malformed && expected) throw new Error("refused what protobuf-es reads");
  if (message instanceof Malformed) return "refused";
  if (message === undefined || message instanceof Unsupported) return "protobuf-es";
  if (expected === undefined) throw new Error(`decoded what is refused: ${error}`);
  expectSame(message, expected);
  // Numbers that are none have bits that nothing else shows.
  expectSame(encodeData(schema, message), encodeData(schema, expected));
  if (sizeOf(message) > input.length) throw new Error(`made ${sizeOf(message)} of ${input.length} bytes`);
  if (!isMessage(message, schema)) throw new Error("protobuf-es does not know it for a message");
  if (!hasNaN(message) && !equals(schema, clone(schema, message), expected))
    throw new Error("protobuf-es sees a difference");
  tryEncoding(subject, message);
  return "codec";
}

function expectSame(actual: unknown, expected: unknown): void {
  if (!isSame(actual, expected)) throw Object.assign(new Error("not the same"), { actual, expected });
}

function attempt<T>(act: () => T): [T] | [undefined, unknown] {
  try {
    return [act()];
  } catch (error) {
    return [undefined, error];
  }
}

/** It equals nothing, not even itself. */
function hasNaN(value: unknown): boolean {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return Number.isNaN(value);
  return Object.values(value).some(hasNaN);
}

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import type { TaskEnvelope } from "../../gen/taskledger/v1/envelope_pb.js";
import { TaskError } from "../core/errors.js";
import { isKey, keyError } from "../core/keys.js";
import { typeNameOf } from "../core/type-url.js";
import { isVersionTime } from "../core/version.js";
import type { FullEnvelope } from "./envelope.js";

type Code = "INVALID_ENVELOPE" | "INVALID_HASH";

/** Checks the rules of the protocol that the schema does not express. Throws an error with this code that names the field. */
export function checkEnvelope(envelope: TaskEnvelope, code: Code): asserts envelope is FullEnvelope {
  if (!isValid(envelope)) throw problemOf(envelope, code);
}

/** Called for every task that is read. */
function isValid({ taskList, id, data, createdAt, savedAt }: TaskEnvelope): boolean {
  return (
    isKey(taskList, id) &&
    data !== undefined &&
    typeNameOf(data.typeUrl) !== "" &&
    (createdAt === undefined || isTimestamp(createdAt)) &&
    (savedAt === undefined || isVersionTime(savedAt))
  );
}

function problemOf(envelope: TaskEnvelope, code: Code): TaskError {
  const { taskList, id, data, createdAt } = envelope;
  const refusal = (field: string, reason: string) => new TaskError(code, `${field} ${reason}`, { taskList, id, field });
  if (!isKey(taskList, id)) return invalidKey(envelope, code);
  if (data === undefined) return refusal("data", "is missing");
  if (typeNameOf(data.typeUrl) === "") return refusal("data", "does not name a type");
  if (createdAt && !isTimestamp(createdAt)) return refusal("createdAt", "is out of the range of a Timestamp");
  return refusal("savedAt", "is not a whole number of microseconds between 1970 and 9999");
}

function invalidKey({ taskList, id }: TaskEnvelope, code: Code): TaskError {
  const cause = keyError(taskList, id);
  return new TaskError(code, cause.message, { taskList, id, field: cause.field, cause });
}

export function isTimestamp({ seconds, nanos }: Timestamp): boolean {
  return seconds >= MIN_SECONDS && seconds <= MAX_SECONDS && nanos >= 0 && nanos <= 999_999_999;
}

/** The first second of the year 1, and the last of 9999. */
const MIN_SECONDS = -62_135_596_800n;
const MAX_SECONDS = 253_402_300_799n;

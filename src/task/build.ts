import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { v7 as uuidv7 } from "uuid";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { OperationOptions } from "../adapter/adapter.js";
import { noOptions, type OptionNames, operationOptions, readOptions } from "../core/arguments.js";
import { isTask } from "../core/copies.js";
import { describeValue, shorten } from "../core/describe-value.js";
import { TaskError } from "../core/errors.js";
import { checkId, checkTaskList } from "../core/keys.js";
import { suggestName } from "../core/nearest-name.js";
import { adviseToAwait } from "../core/promises.js";
import { readFrom } from "../core/read-from.js";
import { typeUrlOf } from "../core/type-url.js";
import { isPlainObject, timeOf } from "../core/values.js";
import { createData } from "../data/data.js";
import { isMessageLike, membersOf } from "../data/data-check.js";
import { invalidData } from "../data/data-errors.js";
import { packData } from "../envelope/envelope.js";
import { readNewHeaders } from "../envelope/headers.js";
import { TaskState } from "./task-state.js";
import type { BuildOptions, TaskClass } from "./task-types.js";

/** The state of `new XTask({ taskList, id, data }, options)`. */
export function newState(taskClass: TaskClass, init: unknown, options: BuildOptions | undefined): TaskState {
  const given = checkInit(init);
  const { taskList, id, data, rest } = readFrom(() => {
    const { taskList, id, data = {}, ...rest } = given;
    return { taskList, id, data, rest };
  }, unreadable);
  const [stray] = Object.keys(rest);
  if (stray !== undefined) throw strayMember(taskClass, stray);
  return makeState(taskClass, taskList, id, createData(taskClass.schema, data as object, taskClass.codec), options);
}

function strayMember({ schema, type }: TaskClass, key: string): TaskError {
  const field = shorten(key);
  const isField = hasMember(schema, key);
  const advice = isField ? "; a field of the data goes under `data:`" : suggestName(key, ["taskList", "id", "data"]);
  return new TaskError("UNKNOWN_FIELD", `new ${type} takes taskList, id and data, not ${field}${advice}`, { field });
}

/** The state of `XTask.build({ taskList, id, ...fields }, options)`. */
export function buildState(taskClass: TaskClass, init: unknown, options: BuildOptions | undefined): TaskState {
  const { schema, codec } = taskClass;
  const given = checkInit(init);
  checkUnambiguous(taskClass);
  if (readFrom(() => isMessageLike(given), unreadable))
    return makeState(taskClass, undefined, undefined, createData(schema, given, codec), options);
  const { taskList, id, fields } = readFrom(() => {
    const { taskList, id, ...own } = given;
    // A field called taskList or id that an option names belongs to both; any may be an accessor of the object's class.
    return { taskList, id, fields: Object.assign(own, membersOf(schema, given)) };
  }, unreadable);
  checkNoData(schema, fields);
  return makeState(taskClass, taskList, id, createData(schema, fields, codec, ["taskList", "id"]), options);
}

function unreadable(reason: string, cause: unknown): TaskError {
  return invalidData("", reason, cause);
}

function checkInit(init: unknown): Record<string, unknown> {
  // The fields of a task are not its own keys: it would be read as empty.
  if (isPlainObject(init) && !isTask(init)) return init;
  const advice = isTask(init) ? "; to make another of its data, use `new` with `data: task.data`" : adviseToAwait(init);
  throw new TaskError("INVALID_DATA", `expected an object of fields, got ${describeValue(init)}${advice}`, {
    field: "data",
  });
}

/** `build` has no option `data`: it belongs to `new`, unless the data has a field of this name. */
function checkNoData(schema: DescMessage, init: Record<string, unknown>): void {
  if (!Object.hasOwn(init, "data") || hasMember(schema, "data")) return;
  const advice = "build takes the data's fields beside the task's own, new takes them under `data`";
  throw new TaskError("UNKNOWN_FIELD", `${schema.typeName} has no field data; ${advice}`, { field: "data" });
}

function checkUnambiguous({ schema, type, listField, idField }: TaskClass): void {
  const refuse = (field: string, option: string) => {
    const advice = `use \`new\` with \`data:\`, or name the field with ${option}`;
    return new TaskError("AMBIGUOUS_BUILD", `${type} has a field ${field} of its own: ${advice}`, { field });
  };
  if (listField !== "taskList" && hasMember(schema, "taskList")) throw refuse("taskList", "list_field");
  if (idField !== "id" && hasMember(schema, "id")) throw refuse("id", "id_field");
}

function hasMember(schema: DescMessage, localName: string): boolean {
  return schema.members.some((member) => member.localName === localName);
}

function makeState(
  { type, listField, idField }: TaskClass,
  givenList: unknown,
  givenId: unknown,
  given: Message,
  options: BuildOptions = noOptions,
): TaskState {
  const { headers = {}, createdAt = new Date() } = readOptions(options, buildOptions);
  if (givenList !== undefined) checkTaskList(givenList);
  if (givenId !== undefined) checkId(givenId);
  const taskList = settleKey("taskList", givenList, given, listField);
  const id = settleKey("id", givenId, given, idField, uuidv7);
  checkTaskList(taskList);
  checkId(id);
  const data = withKeys(given, [listField, taskList], [idField, id]);
  const envelope = create(TaskEnvelopeSchema, {
    taskList,
    id,
    createdAt: toTimestamp(createdAt),
    headers: readNewHeaders(headers),
  });
  const empty = packData(typeUrlOf(type), new Uint8Array());
  return new TaskState(Object.assign(envelope, { data: empty }), data, undefined);
}

const buildOptions: OptionNames<BuildOptions> = { headers: true, createdAt: true };

/** Splits the options of `create` into those for building and those for saving. */
export function splitOptions(options: BuildOptions & OperationOptions): [BuildOptions, OperationOptions] {
  const { headers, createdAt, signal } = readOptions(options, { ...buildOptions, ...operationOptions });
  return [{ headers, createdAt }, { signal }];
}

/** A key that is given, or that its field in the data supplies; if both are there, they must be equal. */
function settleKey(
  name: "taskList" | "id",
  given: string | undefined,
  data: Message,
  field: string | undefined,
  otherwise?: () => string,
): string | undefined {
  if (field === undefined) return given ?? otherwise?.();
  const fields = data as unknown as Record<string, string | undefined>;
  // The default of a proto2 field is on the message's prototype; it supplies no key.
  const own = (Object.hasOwn(fields, field) && fields[field]) || undefined;
  if (given !== undefined && own !== undefined && given !== own) {
    const message = `${name} is ${describeValue(given)}, but the field that supplies it, ${field}, is ${describeValue(own)}`;
    throw new TaskError("KEY_CONFLICT", message, { field: name });
  }
  return given ?? own ?? otherwise?.();
}

/** The data with the keys in the fields that supply them; a copy if they had to be added, since a message may be shared. */
function withKeys(data: Message, ...keys: [field: string | undefined, key: string][]): Message {
  const fields = data as unknown as Record<string, unknown>;
  const missing = keys.filter(([field, key]) => field !== undefined && fields[field] !== key);
  if (missing.length === 0) return data;
  return Object.assign(Object.create(Object.getPrototypeOf(data)), data, Object.fromEntries(missing));
}

function toTimestamp(date: unknown): Timestamp {
  const time = timeOf(date) ?? Number.NaN;
  if (time >= MIN_DATE && time <= MAX_DATE) return timestampFromMs(time);
  const field = "createdAt";
  throw new TaskError("INVALID_DATA", `${field}: expected a Date of the years 1 to 9999, got ${describeValue(date)}`, {
    field,
  });
}

const MIN_DATE = new Date("0001-01-01T00:00:00Z").getTime();
const MAX_DATE = new Date("9999-12-31T23:59:59.999Z").getTime();

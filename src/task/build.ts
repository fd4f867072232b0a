import { create, type DescMessage, type Message } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { v7 as uuidv7 } from "uuid";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { OperationOptions } from "../adapter/adapter.js";
import { type OptionNames, operationOptions, readOptions } from "../core/arguments.js";
import { describeValue, TaskError } from "../core/errors.js";
import { checkId, checkTaskList } from "../core/keys.js";
import { typeUrlOf } from "../core/type-url.js";
import { isPlainObject } from "../core/values.js";
import { createData } from "../data/data.js";
import { isMessageLike, membersOf } from "../data/data-check.js";
import { packData } from "../envelope/envelope.js";
import { checkNewHeaders } from "../envelope/headers.js";
import { COPY, TaskState } from "./task-state.js";
import type { BuildOptions, TaskClass } from "./task-types.js";

/** The state of `new XTask({ taskList, id, data }, options)`. */
export function newState(taskClass: TaskClass, init: unknown, options: BuildOptions | undefined): TaskState {
  const { taskList, id, data = {}, ...rest } = checkInit(init);
  const [stray] = Object.keys(rest);
  if (stray !== undefined) {
    const advice = hasMember(taskClass.schema, stray) ? "; a field of the data goes under `data:`" : "";
    throw new TaskError("UNKNOWN_FIELD", `new ${taskClass.type} takes taskList, id and data, not ${stray}${advice}`, {
      field: stray,
    });
  }
  return makeState(taskClass, taskList, id, createData(taskClass.schema, data as object, taskClass.codec), options);
}

/** The state of `XTask.build({ taskList, id, ...fields }, options)`. */
export function buildState(taskClass: TaskClass, init: unknown, options: BuildOptions | undefined): TaskState {
  const { schema, codec } = taskClass;
  const given = checkInit(init);
  checkUnambiguous(taskClass);
  if (isMessageLike(given))
    return makeState(taskClass, undefined, undefined, createData(schema, given, codec), options);
  const { taskList, id, ...fields } = given;
  // A field called taskList or id that an option names belongs to both.
  Object.assign(fields, membersOf(schema, given));
  return makeState(taskClass, taskList, id, createData(schema, fields, codec), options);
}

function checkInit(init: unknown): Record<string, unknown> {
  if (isPlainObject(init) && !isTask(init)) return init;
  const advice = isTask(init) ? "; to make another of its data, use `new` with `data: task.data`" : "";
  throw new TaskError("INVALID_DATA", `expected an object of fields, got ${describeValue(init)}${advice}`, {
    field: "data",
  });
}

/** A task, of whatever copy of the package: its fields are not its own keys, so that it would be read as empty. */
function isTask(value: unknown): boolean {
  return typeof value === "object" && value !== null && COPY in value;
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
  options: BuildOptions = {},
): TaskState {
  const { headers = {}, createdAt = new Date() } = readOptions(options, buildOptions);
  if (givenList !== undefined) checkTaskList(givenList);
  if (givenId !== undefined) checkId(givenId);
  const taskList = settleKey("taskList", givenList, given, listField);
  const id = settleKey("id", givenId, given, idField, uuidv7);
  checkTaskList(taskList);
  checkId(id);
  const data = withKeys(given, [listField, taskList], [idField, id]);
  checkNewHeaders(headers);
  const envelope = create(TaskEnvelopeSchema, {
    taskList,
    id,
    createdAt: toTimestamp(createdAt),
    headers: { ...headers },
  });
  const empty = packData(typeUrlOf(type), new Uint8Array());
  return new TaskState(Object.assign(envelope, { data: empty }), data, undefined);
}

const buildOptions: OptionNames<BuildOptions> = { headers: true, createdAt: true };

/** The options of `create`, of those that build and of those that save. */
export function splitOptions(options: BuildOptions & OperationOptions): [BuildOptions, OperationOptions] {
  const { headers, createdAt, signal } = readOptions(options, { ...buildOptions, ...operationOptions });
  return [{ headers, createdAt }, { signal }];
}

/** A key that is given, or that its field in the data supplies; both, if they agree. */
function settleKey(
  name: "taskList" | "id",
  given: string | undefined,
  data: Message,
  field: string | undefined,
  otherwise?: () => string,
): string | undefined {
  if (field === undefined) return given ?? otherwise?.();
  const fields = data as unknown as Record<string, string | undefined>;
  // The default that a field of proto2 has is on the message's prototype: it supplies nothing.
  const own = (Object.hasOwn(fields, field) && fields[field]) || undefined;
  if (given !== undefined && own !== undefined && given !== own) {
    const message = `${name} is ${describeValue(given)}, but the field that supplies it, ${field}, is ${describeValue(own)}`;
    throw new TaskError("KEY_CONFLICT", message, { field: name });
  }
  return given ?? own ?? otherwise?.();
}

/** The data with its keys in the fields that supply them; a copy, if they were not there: a message may be shared. */
function withKeys(data: Message, ...keys: [field: string | undefined, key: string][]): Message {
  const fields = data as unknown as Record<string, unknown>;
  const missing = keys.filter(([field, key]) => field !== undefined && fields[field] !== key);
  if (missing.length === 0) return data;
  return Object.assign(Object.create(Object.getPrototypeOf(data)), data, Object.fromEntries(missing));
}

function toTimestamp(date: unknown): Timestamp {
  const inRange = date instanceof Date && date.getTime() >= MIN_DATE && date.getTime() <= MAX_DATE;
  if (inRange) return timestampFromDate(date);
  const field = "createdAt";
  throw new TaskError("INVALID_DATA", `${field}: expected a Date of the years 1 to 9999, got ${describeValue(date)}`, {
    field,
  });
}

const MIN_DATE = new Date("0001-01-01T00:00:00Z").getTime();
const MAX_DATE = new Date("9999-12-31T23:59:59.999Z").getTime();

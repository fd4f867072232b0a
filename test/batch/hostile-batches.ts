import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

// Batches, and streams of frames, of few bytes that would take much memory or time, if a reader let them; for tests and
// benchmarks.

type Parts = readonly Uint8Array[];

const none = new Uint8Array();
const TASKS = 10_000;

export const join = (...parts: Parts) => new Uint8Array(Buffer.concat(parts));
export const field = (number: number, value: Uint8Array) =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).bytes(value).finish();
export const text = (number: number, value: string) => field(number, Buffer.from(value));
export const times = (count: number, part: (index: number) => Uint8Array) =>
  new Uint8Array(Buffer.concat(Array.from({ length: count }, (_, i) => part(i))));
export const repeat = (count: number, part: Uint8Array) => new Uint8Array(Buffer.alloc(count * part.length, part));
export const numbers = (count: number, write: (writer: BinaryWriter, index: number) => void) => {
  const writer = new BinaryWriter();
  for (let i = 0; i < count; i++) write(writer, i);
  return writer.finish();
};

/** A group of so many tasks with ids of one character and empty data, and with more columns. */
export function batch(
  shared: Uint8Array,
  { tasks = TASKS, data = none, columns = none, ids = idsOf(tasks) } = {},
): Uint8Array {
  return field(16, join(field(1, shared), ids, repeat(tasks, field(4, data)), columns));
}

function idsOf(tasks: number): Uint8Array {
  return times(tasks, (i) => text(2, String.fromCharCode(97 + (i % 26))));
}

/** What tasks share: a list of one character, a type, and more. */
export const envelope = (typeUrl: string, ...more: Parts) => join(text(1, "l"), field(3, text(1, typeUrl)), ...more);
export const known = (...more: Parts) => envelope("/example.v1.FetchFile", ...more);
export const header = (name: string, value = "") => field(7, join(text(1, name), text(2, value)));
export const headers = (count: number) => times(count, (i) => header(String.fromCharCode(33 + (i % 90), 33 + i / 90)));
/** Fields that no envelope has, of two bytes each. */
export const unknown = (count: number) => repeat(count, Uint8Array.of(0x40, 0));

const rest = (part: (index: number) => Uint8Array) => times(TASKS, (i) => field(7, part(i)));
const order = field(
  17,
  numbers(TASKS, (writer, i) => writer.uint32(i)),
);
const groups = (shared: Uint8Array, columns = none) => join(repeat(TASKS, batch(shared, { tasks: 1, columns })), order);

/** Each has at most 10,000 tasks and is read, or claims to have more, or is damaged. */
export const hostileBatches: Readonly<Record<string, Uint8Array>> = {
  "as many tasks as it may have": batch(known()),
  UUIDs: batch(known(), { ids: field(3, new Uint8Array(16 * TASKS)) }),
  "ids that are no ASCII": batch(known(), { ids: repeat(TASKS, text(2, "\ufffd")) }),
  "times of one byte": batch(known(), {
    columns: join(field(5, new Uint8Array(TASKS).fill(2)), field(6, new Uint8Array(TASKS).fill(2))),
  }),
  "times past the year 2255": batch(known(), {
    columns: field(
      6,
      numbers(TASKS, (writer, i) => writer.sint64(i === 0 ? 10n ** 16n : 1n)),
    ),
  }),
  "times that are not packed": batch(known(), { columns: repeat(TASKS, Uint8Array.of(0x28, 2, 0x30, 2)) }),
  "a list and a type of a kilobyte": batch(join(text(1, "l".repeat(500)), field(3, text(1, `/${"t".repeat(450)}`)))),
  "shared headers": batch(known(headers(110))),
  "a shared header with a number for a name": batch(known(header("1000"))),
  "shared headers and an unknown field": batch(known(headers(105), unknown(1))),
  "shared unknown fields": batch(known(unknown(450))),
  "a shared time": batch(known(field(4, none))),
  "shared headers, and more in each task": batch(known(headers(100)), { columns: rest(() => header("a")) }),
  "shared unknown fields, and more in each task": batch(known(unknown(400)), { columns: rest(() => unknown(1)) }),
  "a header of its own in each task": batch(known(), { columns: rest((i) => header(`${i}x`)) }),
  "a header with a number for a name in each task": batch(known(), { columns: rest(() => header("1000")) }),
  "headers in each task": batch(known(), { columns: rest(() => headers(10)) }),
  "an unknown field in each task": batch(known(), { columns: rest(() => unknown(1)) }),
  "unknown fields in each task": batch(known(), { columns: rest(() => unknown(40)) }),
  "a list in each task": batch(known(), { columns: rest(() => text(1, "l")) }),
  "unknown fields in one task": batch(known(), { tasks: 1, columns: field(7, unknown(500_000)) }),
  "an unknown type": batch(envelope("a")),
  "an unknown type, and data": batch(envelope("a"), { data: Uint8Array.of(1) }),
  "data that does not decode": batch(known(), { data: Uint8Array.of(0x0a, 9) }),
  "data with an unknown field": batch(known(), { data: unknown(1) }),
  "groups of one task": groups(known()),
  "groups of one task with a number for a header's name": groups(known(header("1000"))),
  "groups of one task that are refused for their rests": groups(known(header("1000")), field(7, none)),
  "groups without tasks": repeat(350_000, field(16, none)),
  "an order that is not packed": join(batch(known()), repeat(TASKS, Uint8Array.of(0x88, 1, 0))),
  "a long order": join(batch(known(), { tasks: 1 }), field(17, new Uint8Array(1_000_000))),
  "many times": batch(known(), { tasks: 1, columns: field(5, new Uint8Array(1_000_000)) }),
  "many ids": batch(known(), { tasks: 1, ids: repeat(500_000, field(2, none)) }),
  "many rests": batch(known(), { tasks: 1, columns: repeat(500_000, field(7, none)) }),
  "many tasks": batch(known(), { tasks: 500_000, ids: none }),
  "UUIDs again and again": batch(known(), { tasks: 1, columns: repeat(500_000, field(3, none)) }),
  "a group that shares again and again": batch(known(), { tasks: 1, columns: repeat(500_000, field(1, none)) }),
  "a shared header again and again": batch(known(repeat(400_000, field(7, none))), { tasks: 1 }),
  "shared headers without end": batch(known(headers(8000)), { tasks: 1 }),
  "fields that no batch has": join(batch(known(), { tasks: 1 }), unknown(500_000)),
  "fields that no group has": batch(known(), { tasks: 1, columns: unknown(500_000) }),
};

const frames = (message: Uint8Array) => repeat(20_000, new BinaryWriter().bytes(message).finish());
const single = (shared: Uint8Array) => join(shared, text(2, "a"));

/** Streams of as many frames as fit into half a megabyte. */
export const hostileStreams: Readonly<Record<string, Uint8Array>> = {
  "tasks of a known type": frames(single(known())),
  "tasks of an unknown type": frames(single(envelope("a"))),
  "tasks with a number for a header's name": frames(single(envelope("a", header("1000")))),
  "batches of one task": frames(batch(known(), { tasks: 1 })),
  "batches of one task, with unknown fields": frames(batch(known(unknown(10)), { tasks: 1 })),
};

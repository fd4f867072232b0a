import fc from "fast-check";
import { DataInterface, isTaskError, Task, type TaskErrorCode } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { messages } from "./arbitrary.js";
import { EverythingTask, LegacyTask, type LooseClass } from "./kinds.js";

// JSON of which nobody knows where it comes from: broken copies of what is right, and what is hardly right at all. What is
// read can be handed on; what is not gets one of the errors that are documented for it.

const LIMIT = 4_000;
const tasks = new DataInterface({
  types: [EverythingTask, LegacyTask] as never,
  adapter: new MemoryAdapter(),
  maxTaskBytes: LIMIT,
});

/** Parts that mean something to those who read them. */
const parts = fc.constantFrom(
  "{}",
  "[]",
  '""',
  "null",
  "true",
  "-0",
  "1e400",
  "-1",
  "18446744073709551616",
  `"${"9".repeat(5_000)}"`,
  `"${"A".repeat(5_000)}"`,
  '"\\ud800"',
  '{"@type":"x/kinds.Everything"}',
  '{"@type":"x/google.protobuf.Any","value":{}}',
  '{"@type":"type.googleapis.com/taskledger.v1.SealedData"}',
  '{"$typeName":"kinds.Everything"}',
  '{"$typeName":"google.protobuf.Any","typeUrl":"x","value":{"length":300000000}}',
  '{"$unknown":[{"no":900,"wireType":2,"data":{"length":300000000}}]}',
  '{"case":"chosenChild","value":{}}',
  '{"case":"__proto__"}',
  '{"__proto__":{"text":"x"}}',
  '{"constructor":1}',
  `${"[".repeat(200)}${"]".repeat(200)}`,
  `${'{"child":'.repeat(150)}{}${"}".repeat(150)}`,
  `[${Array(5_000).fill("{}").join(",")}]`,
  `[${Array(5_000).fill("1").join(",")}]`,
  '{"taskledger-unknown-fields":"/////w=="}',
);

/** Changes a text of JSON here and there, in such a way that it mostly stays JSON. */
function changed(text: string, changes: readonly [number, string][]): string {
  let result = text;
  for (const [at, part] of changes) {
    const values = [...result.matchAll(/"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*|\[\]|\{\}|true|false|null/g)];
    const match = values[at % Math.max(1, values.length)];
    if (match) result = result.slice(0, match.index) + part + result.slice(match.index + match[0].length);
  }
  return result;
}

const changes = fc.array(fc.tuple(fc.nat(60), parts), { minLength: 1, maxLength: 3 });

function jsonOf(taskClass: LooseClass): fc.Arbitrary<unknown> {
  const texts = messages(taskClass.schema, { unknown: false }).map((data) =>
    JSON.stringify(new taskClass({ taskList: "l", id: "i", data })),
  );
  return fc
    .tuple(texts, changes)
    .map(([text, edits]) => {
      try {
        return JSON.parse(changed(text, edits)) as unknown;
      } catch {
        return undefined;
      }
    })
    .filter((json) => json !== undefined);
}

/** A task of more bytes than may be, if fields that its type does not have are ignored. */
function tooLarge({ type }: LooseClass): unknown {
  const long = "x".repeat(LIMIT);
  return { taskList: "l", id: "i", data: { "@type": `x/${type}`, text: long, name: long } };
}

/** What came of it: the code of the error, or that it was read. */
function outcomeOf(act: () => Task, documented: readonly TaskErrorCode[]): string {
  try {
    const task = act();
    expect(task).toBeInstanceOf(Task);
    expect(Buffer.from(Task.prototype.toBinary.call(task)).length).toBeGreaterThan(0);
    return "read";
  } catch (error) {
    if (!isTaskError(error)) throw error;
    expect(documented).toContain(error.code);
    expect(error.message.length).toBeLessThan(2_000);
    return error.code;
  }
}

describe.each([EverythingTask, LegacyTask])("hostile JSON of $type", (taskClass) => {
  const seen = new Set<string>();

  test("given to fromHash is read, or refused with a documented error", () => {
    fc.assert(
      fc.property(jsonOf(taskClass), fc.boolean(), (json, ignoreUnknownFields) => {
        const read = () => tasks.fromHash(json, { ignoreUnknownFields }) as Task;
        seen.add(outcomeOf(read, ["INVALID_HASH", "TOO_LARGE", "UNKNOWN_TYPE"]));
        const readByClass = () => taskClass.fromHash(json, { ignoreUnknownFields });
        outcomeOf(readByClass, ["INVALID_HASH", "TOO_LARGE", "TYPE_MISMATCH", "INVALID_DATA"]);
      }),
      { numRuns: 500, examples: [[tooLarge(taskClass), true]] },
    );
    expect([...seen]).toEqual(expect.arrayContaining(["INVALID_HASH", "TOO_LARGE", "read"]));
  }, 60_000);

  test("given to build and new is built, or refused with a documented error", () => {
    const documented = ["INVALID_DATA", "UNKNOWN_FIELD", "INVALID_KEY", "TOO_LARGE"] as const;
    fc.assert(
      fc.property(jsonOf(taskClass), (json) => {
        const { data } = (json ?? {}) as { data?: object };
        const { "@type": _, ...fields } = (data ?? {}) as Record<string, unknown>;
        const built = (task: Task) => {
          task.toBinary();
          return task;
        };
        outcomeOf(() => built(taskClass.build({ taskList: "l", id: "i", ...fields })), documented);
        outcomeOf(() => built(new taskClass({ taskList: "l", id: "i", data })), documented);
        outcomeOf(() => built(taskClass.build(json)), documented);
        outcomeOf(() => built(new taskClass(json)), documented);
      }),
      { numRuns: 500 },
    );
  }, 60_000);
});

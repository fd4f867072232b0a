import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import {
  createFileRegistry,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  toJson,
} from "@bufbuild/protobuf";
import { type Any, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { DataInterface, Task, type TaskClass } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bufPath } from "../plugin/tools.js";
import { DriverActor } from "./driver.js";
import { prepareLanguages } from "./prepare.js";

/** What a process knows of the schema: that of its time, or nothing. */
type Schema = "old" | "new" | "none";

const descriptorSets: Record<Schema, Buffer> = { old: compile("old"), new: compile("new"), none: Buffer.alloc(0) };

function folderOf(schema: Schema): string {
  return join(import.meta.dirname, "evolution", schema);
}

function compile(schema: Schema): Buffer {
  return execFileSync(bufPath, ["build", folderOf(schema), "-o", "-#format=binpb"]);
}

function schemaOf(schema: Schema, type: string): DescMessage | undefined {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptorSets[schema])).getMessage(type);
}

/** What the plugin would generate. */
function classesOf(schema: Schema, type: string): TaskClass<Task>[] {
  const message = schemaOf(schema, type);
  if (message === undefined) return [];
  class DefinedTask extends Task {
    static readonly schema = message as DescMessage;
    static readonly type = type;
  }
  return [DefinedTask as unknown as TaskClass<Task>];
}

function interfaceOf(schema: Schema, type: string): DataInterface {
  return new DataInterface({ types: classesOf(schema, type), adapter: new MemoryAdapter() });
}

interface Passed {
  readonly envelope: string;
  /** The text of its hash, and what the same process reads out of that. */
  readonly hash: string;
  readonly read: string;
}

/** A process that decodes a task by its schema and passes it on, in binary and as a hash. */
type PassOn = (envelope: string, schema: Schema, type: string) => Promise<Passed>;

const passOnInTypeScript: PassOn = async (envelope, schema, type) => {
  const tasks = interfaceOf(schema, type);
  const task = tasks.fromBinary(Buffer.from(envelope, "base64"));
  const hash = JSON.stringify(task);
  const read = tasks.fromHash(JSON.parse(hash));
  return { envelope: base64(task.toBinary()), hash, read: base64(read.toBinary()) };
};

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

interface Case {
  readonly name: string;
  readonly type: string;
  /** Of whoever writes the task, and reads it in the end. */
  readonly schema: Schema;
  readonly data: JsonObject;
}

const order = { number: "17", items: [{ sku: "a", count: 2 }] };
const ship = "acme.v1.ShipOrder";

const cases: readonly Case[] = [
  { name: "what both know", type: ship, schema: "old", data: { ...order, priority: "PRIORITY_HIGH", address: "here" } },
  { name: "a field that was reserved", type: ship, schema: "old", data: { ...order, courier: "Ann" } },
  { name: "fields that were added", type: ship, schema: "new", data: { ...order, carrierId: "c", notes: { a: "b" } } },
  {
    name: "a field that was added in a list's message",
    type: ship,
    schema: "new",
    data: { ...order, items: [{ sku: "a", weightGrams: "5" }, { weightGrams: "-1" }] },
  },
  { name: "a oneof that grew", type: ship, schema: "new", data: { ...order, locker: { code: "7" } } },
  { name: "an enum value that was added", type: ship, schema: "new", data: { ...order, priority: "PRIORITY_URGENT" } },
  { name: "a type's new name", type: "acme.v1.DispatchOrder", schema: "new", data: { ...order, carrierId: "c" } },
];

/** Written by a schema, passed on by a process of another, read by the first again. */
function checkLosesNothing(passOn: () => PassOn): void {
  describe.each(["old", "new", "none"] as Schema[])("through a process of the %s schema", (schema) => {
    test.each(cases)("$name", async ({ type, schema: own, data }) => {
      const tasks = interfaceOf(own, type);
      const message = schemaOf(own, type) as DescMessage;
      const [taskClass] = tasks.types as [TaskClass<Task>];
      const written = new taskClass({ taskList: "l", id: "i", data: fromJson(message, data) });
      const passed = await passOn()(base64(written.toBinary()), schema, type);
      const readBack = [
        tasks.fromBinary(Buffer.from(passed.envelope, "base64")),
        tasks.fromBinary(Buffer.from(passed.read, "base64")),
        tasks.fromHash(JSON.parse(passed.hash)),
      ];
      for (const task of readBack) expect(toJson(message, task.data)).toEqual(data);
    });
  });
}

describe("nothing is lost in TypeScript", () => checkLosesNothing(() => passOnInTypeScript));

const prepared = await prepareLanguages();

describe.each(prepared)("nothing is lost in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  let actor: DriverActor;
  beforeAll(() => {
    actor = new DriverActor(language, undefined);
  });
  afterAll(() => actor.close());
  checkLosesNothing(() => (envelope, schema, type) => {
    const descriptors = descriptorSets[schema].toString("base64");
    return actor.ask({ op: "passOn", envelope, type, descriptors });
  });
});

describe("a type that is renamed as docs/evolution.md says", () => {
  const [renamed] = classesOf("new", "acme.v1.DispatchOrder") as [TaskClass<Task>];
  const [before] = classesOf("new", ship) as [TaskClass<Task>];

  test("a worker that knows both names gets the tasks of either, as one shape", () => {
    const worker = new DataInterface({ types: [before, renamed], adapter: new MemoryAdapter() });
    const data = fromJson(schemaOf("old", ship) as DescMessage, { ...order, address: "here" });
    const [oldClass] = classesOf("old", ship) as [TaskClass<Task>];
    const received = worker.fromBinary(new oldClass({ taskList: "l", id: "i", data }).toBinary());
    expect(received).toBeInstanceOf(before);
    const asRenamed = fromBinary(
      renamed.schema,
      (interfaceOf("none", ship).fromBinary(received.toBinary()).data as Any).value,
    );
    expect(toJson(renamed.schema, asRenamed)).toEqual({ ...order, address: "here" });
  });
});

describe("buf breaking", () => {
  const wireJson = JSON.stringify({ version: "v2", breaking: { use: ["WIRE_JSON"] } });
  const problemsOf = (schema: string, against: string) =>
    spawnSync(bufPath, ["breaking", schema, "--against", against, "--config", wireJson], { encoding: "utf8" }).stdout;

  test("lets through what is allowed", () => {
    expect(problemsOf(folderOf("new"), folderOf("old"))).toBe("");
  });

  test("stops what would lose data", () => {
    const problems = problemsOf(folderOf("old"), folderOf("new"));
    expect(problems).toContain(
      'Previously present field "5" with name "carrier_id" on message "ShipOrder" was deleted',
    );
    expect(problems).toContain('Previously present enum value "2" on enum "Priority" was deleted');
  });
});

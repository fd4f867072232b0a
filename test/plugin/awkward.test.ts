import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { build } from "esbuild";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundlePlugin } from "../../scripts/build-package.js";
import { Task } from "../../src/index.js";
import { messages } from "../runtime/arbitrary.js";
import { envelopeOf } from "../runtime/envelopes.js";
import { writeFiles } from "./generate.js";
import { binPath, bufPath, repository } from "./tools.js";

// The .proto files in awkward/, in a project as a user has it: both plugins run through buf, and the generated code is
// compiled against the runtime, strictly, and run.

const run = promisify(execFile);

/** Every file with a task type. */
const names = ["fields", "names", "class_task", "comments", "legacy", "edition2023", "edition2024", "unpackaged"];

const bufGen = `
version: v2
inputs:
  - directory: proto
plugins:
  - local: [node, ${binPath("protoc-gen-es")}]
    out: ts
    opt: [target=ts, import_extension=js, erasable_syntax=true, "map_imports=taskledger/v1/:taskledger/gen"]
  - local: [node, plugin.mjs]
    out: ts
    opt: [target=ts, import_extension=js, "map_imports=taskledger/v1/:taskledger/gen"]
  - local: [node, ${binPath("protoc-gen-es")}]
    out: js
    opt: [target=js+dts, import_extension=js, "map_imports=taskledger/v1/:taskledger/gen"]
  - local: [node, plugin.mjs]
    out: js
    opt: [target=js+dts, import_extension=js, "map_imports=taskledger/v1/:taskledger/gen"]
`;

const tsconfig = {
  extends: "../../tsconfig.json",
  compilerOptions: {
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    noImplicitOverride: true,
    isolatedModules: true,
    isolatedDeclarations: true,
    declaration: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    paths: {
      taskledger: ["../../src/index.ts"],
      "taskledger/wire": ["../../src/wire/index.ts"],
      "taskledger/gen/*.js": ["../../gen/*.ts"],
    },
  },
  include: ["ts", "js"],
};

/** The classes of all files, and the types of their tasks. */
const classNames = {
  EverythingTask: "awkward.fields.Everything",
  EmptyTask: "awkward.fields.Empty",
  Outer_MiddleTask: "awkward.fields.Outer.Middle",
  Outer_Middle_InnerTask: "awkward.fields.Outer.Middle.Inner",
  KeyedTask: "awkward.fields.Keyed",
  MembersTask: "awkward.names.Members",
  PropertiesTask: "awkward.names.Properties",
  KeywordsTask: "awkward.names.Keywords",
  SpellingTask: "awkward.names.Spelling",
  TaskTask: "awkward.names.Task",
  TaskTaskTask: "awkward.names.TaskTask",
  TaskSchemaTask: "awkward.names.TaskSchema",
  classTask: "awkward.names.class",
  Uint8ArrayTask: "awkward.names.Uint8Array",
  ObjectTask: "awkward.names.Object",
  PromiseTask: "awkward.names.Promise",
  stringTask: "awkward.names.string",
  RenamedSchema: "awkward.names.Renamed",
  Task: "awkward.class_task.Work",
  CommentedTask: "awkward.comments.Commented",
  DeprecatedTask: "awkward.comments.Deprecated",
  Deprecated_NestedTask: "awkward.comments.Deprecated.Nested",
  LegacyTask: "awkward.legacy.Legacy",
  Legacy_ResultTask: "awkward.legacy.Legacy.Result",
  HolderTask: "awkward.legacy.Holder",
  ModernTask: "awkward.edition2023.Modern",
  NewestTask: "awkward.edition2024.Newest",
  HiddenTask: "awkward.edition2024.Hidden",
  UnpackagedTask: "Unpackaged",
  Unpackaged_NestedTask: "Unpackaged.Nested",
};

/** What a user's program sees of the types. It is compiled beside each target. */
const use = `
import type { JsonObject } from "@bufbuild/protobuf";
import { EverythingTask, KeyedTask, Outer_Middle_InnerTask } from "./fields_task.js";
import type { Everything, Everything_Color } from "./fields_pb.js";
import { LegacyTask, Legacy_ResultTask } from "./legacy_task.js";
import { MembersTask, type TaskTask } from "./names_task.js";
import { UnpackagedTask } from "./unpackaged_task.js";

export function read(task: EverythingTask, members: MembersTask, taskTask: TaskTask, legacy: LegacyTask): unknown[] {
  const type: "awkward.fields.Everything" = task.type;
  const int64: bigint = task.int64Field;
  const text: string = task.int64AsString;
  const texts: string[] = task.uint64sAsString;
  const maybe: bigint | undefined = task.optionalInt64;
  // @ts-expect-error it may be absent
  const never: bigint = task.optionalInt64;
  const color: Everything_Color = task.color;
  const child: Everything | undefined = task.children[0];
  const struct: JsonObject | undefined = task.struct;
  const wrapped: string | undefined = task.wrappedString;
  const path: string | undefined = task.target.case === "path" ? task.target.value : undefined;
  // @ts-expect-error the accessor only reads
  task.stringField = "";

  const list: string = members.taskList;
  const data: bigint = members.data$;
  const method: Promise<unknown> = members.save();
  const field: number = members.save$;
  const host: string = taskTask.host;
  const size: bigint = legacy.size;
  return [type, int64, text, texts, maybe, never, color, child, struct, wrapped, path, list, data, method, field, host, size];
}

export const tasks: object[] = [
  EverythingTask.build({ taskList: "l", int64Field: 1n, children: [{ target: { case: "path", value: "p" } }] }),
  KeyedTask.build({ taskList: "l", id: "i" }),
  LegacyTask.build({ mailbox: "m", messageId: "i", next: { mailbox: "n" } }),
  Legacy_ResultTask.build({ taskList: "l", url: "u" }),
  Outer_Middle_InnerTask.build({ taskList: "l", middle: { inner: {} } }),
  UnpackagedTask.build({ taskList: "l", host: "h" }),
  new MembersTask({ taskList: "l", id: "i", data: { id: "another", save: 1 } }),
];

// @ts-expect-error the list is missing
export const withoutList = (): object => EverythingTask.build({ int64Field: 1n });
// @ts-expect-error there is no such field
export const misspelt = (): object => EverythingTask.build({ taskList: "l", int46Field: 1n });
// @ts-expect-error the data has such fields, too
export const ambiguous = (): object => MembersTask.build({ taskList: "l", id: "i" });
`;

interface TaskClass {
  new (init: object): AwkwardTask;
  readonly schema: DescMessage;
  readonly type: string;
  readonly codec?: object;
  fromBinary(bytes: Uint8Array): AwkwardTask;
}

interface AwkwardTask extends Record<string, unknown> {
  readonly data: Record<string, unknown>;
  toBinary(): Uint8Array;
}

let project: string;

beforeAll(async () => {
  await mkdir(join(repository, ".cache"), { recursive: true });
  project = await mkdtemp(join(repository, ".cache/awkward-"));
  await cp(join(import.meta.dirname, "awkward"), join(project, "proto"), { recursive: true });
  await cp(join(repository, "proto/taskledger"), join(project, "third_party/taskledger/taskledger"), {
    recursive: true,
  });
  await writeFiles(project, {
    "buf.yaml": "{ version: v2, modules: [{ path: proto }, { path: third_party/taskledger }] }",
    "buf.gen.yaml": bufGen,
    "tsconfig.json": JSON.stringify(tsconfig),
    "ts/use.ts": use,
    "js/use.ts": use,
  });
  await bundlePlugin(join(project, "plugin.mjs"));
  await run(bufPath, ["generate"], { cwd: project });
  await checkCodecs(join(project, "ts"));
}, 60_000);

/** Users' compilers do not check codecs, this one does. */
async function checkCodecs(folder: string): Promise<void> {
  for (const name of names) {
    const path = join(folder, `${name}_codec.ts`);
    const content = await readFile(path, "utf8").catch(() => undefined);
    if (content !== undefined) await writeFile(path, content.replace("// @ts-nocheck\n", ""));
  }
}

afterAll(() => rm(project, { recursive: true }));

test("the generated code compiles under strict options", { timeout: 60_000 }, async () => {
  const tsc = await run(binPath("tsc"), ["-p", project]).catch((error: { stdout: string }) => error);
  expect(tsc.stdout).toBe("");
});

describe.each(["ts", "js"])("the code of target %s", (target) => {
  let classes: [string, TaskClass][];
  let tasks: { taskList: string; id: string; type: string }[];

  beforeAll(async () => {
    const outfile = join(project, `${target}.mjs`);
    const lines = names.map((name) => `export * as ${name} from "./${name}_task.js";`);
    await build({
      stdin: { contents: `${lines.join("\n")} export { tasks } from "./use.js";`, resolveDir: join(project, target) },
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      tsconfig: join(project, "tsconfig.json"),
      banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
    });
    const modules = await import(pathToFileURL(outfile).href);
    classes = names.flatMap((name) => Object.entries<TaskClass>(modules[name]));
    tasks = modules.tasks;
  });

  test("has a class for every task type", () => {
    expect(Object.fromEntries(classes.map(([name, { type }]) => [name, type]))).toEqual(classNames);
  });

  test("reads every member of the data, and nothing else", () => {
    for (const [, taskClass] of classes) {
      const task = new taskClass({ taskList: "list", id: "id", data: create(taskClass.schema) });
      expect(task.type).toBe(taskClass.schema.typeName);
      const expected: Record<string, unknown> = {};
      for (const { localName } of taskClass.schema.members) {
        // Tasks have no `then`, and must not, since `await` would call it.
        const isTaken = localName === "then" || localName in Task.prototype;
        expected[isTaken ? `${localName}$` : localName] = task.data[localName] = Symbol(localName);
      }
      const own = Object.keys(Object.getOwnPropertyDescriptors(taskClass.prototype));
      const accessors = own.filter((name) => name !== "constructor" && name !== "type");
      expect(Object.fromEntries(accessors.map((name) => [name, task[name]]))).toEqual(expected);
    }
  });

  test("has codecs but for what is of proto2 or tracks what is set, and they do as protobuf-es does", () => {
    const hasCodec = ([, { codec }]: [string, TaskClass]) => codec !== undefined;
    const without = classes.filter((each) => !hasCodec(each)).map(([name]) => name);
    expect(without.sort()).toEqual([
      "HiddenTask",
      "HolderTask",
      "LegacyTask",
      "Legacy_ResultTask",
      "ModernTask",
      "NewestTask",
    ]);
    for (const [, taskClass] of classes.filter(hasCodec)) {
      const { schema, type } = taskClass;
      for (const data of fc.sample(messages(schema, { depth: 2 }), 20)) {
        const bytes = toBinary(schema, data);
        const envelope = envelopeOf(type, bytes);
        const read = taskClass.fromBinary(envelope);
        expect(Buffer.compare(toBinary(schema, read.data as never), bytes)).toBe(0);
        expect(Buffer.compare(read.toBinary(), envelope)).toBe(0);
      }
    }
  });

  test("builds tasks", () => {
    expect(tasks.map(({ taskList, type }) => `${taskList} ${type}`)).toEqual([
      "l awkward.fields.Everything",
      "l awkward.fields.Keyed",
      "m awkward.legacy.Legacy",
      "l awkward.legacy.Legacy.Result",
      "l awkward.fields.Outer.Middle.Inner",
      "l Unpackaged",
      "l awkward.names.Members",
    ]);
  });
});

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { binPath, repository } from "../plugin/tools.js";

// What the compiler says of users' programs: nothing of those that are right, and of mistakes what to do.

/** Programs with a mistake, and what their users see of it. */
const mistakes: Record<string, { program: string; messages: string[] }> = {
  "a misspelt field": {
    program: 'FetchFileTask.build({ taskList: "datto.com", filname: "file1.txt" });',
    messages: [
      "Object literal may only specify known properties, but 'filname' does not exist in type " +
        "'ListAndId & DataInit<GenMessage<FetchFile>>'. Did you mean to write 'filename'?",
    ],
  },
  "a misspelt field for an interface": {
    program: 'tasks.create(FetchFileTask, { taskList: "datto.com", filname: "file1.txt" });',
    messages: [
      "Object literal may only specify known properties, but 'filname' does not exist in type " +
        "'ListAndId & DataInit<GenMessage<FetchFile>>'. Did you mean to write 'filename'?",
    ],
  },
  "a misspelt field in `data`": {
    program: 'new FetchFileTask({ taskList: "datto.com", data: { filname: "file1.txt" } });',
    messages: [
      "Object literal may only specify known properties, but 'filname' does not exist in type " +
        "'DataInit<GenMessage<FetchFile>> | FetchFile'. Did you mean to write 'filename'?",
    ],
  },
  "a mistyped field": {
    program: 'FetchFileTask.build({ taskList: "datto.com", filename: 5 });',
    messages: ["Type 'number' is not assignable to type 'string'."],
  },
  "a number for a 64-bit integer": {
    program: 'FetchFileTask.build({ taskList: "datto.com", size: 5 });',
    messages: ["Type 'number' is not assignable to type 'bigint'."],
  },
  "no task list": {
    program: 'FetchFileTask.build({ filename: "file1.txt" });',
    messages: [
      "Argument of type '{ filename: string; }' is not assignable to parameter of type " +
        "'ListAndId & DataInit<GenMessage<FetchFile>>'.",
      "  Property 'taskList' is missing in type '{ filename: string; }' but required in type 'ListAndId'.",
    ],
  },
  "a field called id that no option names": {
    program: 'NumberedTask.build({ taskList: "datto.com", id: "file1" });',
    messages: [
      "Argument of type '{ taskList: string; id: string; }' is not assignable to parameter of type " +
        "'\"example.v1.Numbered has a field id of its own: use `new` with `data:`, or name the field with id_field\"'.",
    ],
  },
  "fields called task_list and id that no option names": {
    program: 'NamesakeTask.build({ taskList: "datto.com", id: "file1" });',
    messages: [
      "Argument of type '{ taskList: string; id: string; }' is not assignable to parameter of type " +
        '\'"example.v1.Namesake has a field id of its own: use `new` with `data:`, or name the field with id_field" | ' +
        '"example.v1.Namesake has a field taskList of its own: use `new` with `data:`, or name the field with list_field"\'.',
    ],
  },
  "a field beside `data`": {
    program: 'new FetchFileTask({ taskList: "datto.com", filename: "file1.txt" });',
    messages: [
      "Object literal may only specify known properties, and 'filename' does not exist in type " +
        "'TaskInit<GenMessage<FetchFile>, never>'.",
    ],
  },
  "a class that is not registered": {
    program: 'tasks.create(CompositeTask, { taskList: "datto.com", childTaskList: "l" });',
    messages: [
      "Argument of type 'typeof CompositeTask' is not assignable to parameter of type " +
        "'typeof CompositeTask & \"taskledger.v1.Composite is not among the types of this data interface\"'.",
      "  Type 'typeof CompositeTask' is not assignable to type " +
        "'\"taskledger.v1.Composite is not among the types of this data interface\"'.",
    ],
  },
  "the promise of an adapter": {
    program: "new DataInterface({ types: [FetchFileTask], adapter: Promise.resolve(new MemoryAdapter()) });",
    messages: [
      "Type 'Promise<MemoryAdapter>' is missing the following properties from type 'Adapter': " +
        "open, save, find, all, and 2 more.",
    ],
  },
};

const header = `
import { CompositeTask, DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { NamesakeTask, NumberedTask } from "../../test/types/namesake-tasks.js";
const tasks = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
void [tasks, CompositeTask, NamesakeTask, NumberedTask];
`;

/** What the compiler says of each file, by its path; what belongs to a message is a line of its own, indented. */
type Messages = Map<string, string[]>;

async function compile(project: string, settings: object, include: string[]): Promise<Messages> {
  const tsconfig = { extends: "../../tsconfig.json", compilerOptions: settings, include };
  const path = join(project, `tsconfig.${include.length}.json`);
  await writeFile(path, JSON.stringify(tsconfig));
  const tsc = promisify(execFile)(binPath("tsc"), ["-p", path, "--pretty", "false"], { cwd: project });
  const { stdout } = await tsc.catch((error: { stdout: string }) => error);
  const messages: Messages = new Map();
  let current: string[] = [];
  for (const line of stdout.split("\n").filter((each) => each !== "")) {
    const [, file, message = line] = /^(.*?)\(\d+,\d+\): error TS\d+: (.*)$/.exec(line) ?? [];
    if (file !== undefined) {
      current = messages.get(file) ?? [];
      messages.set(file, current);
    }
    current.push(message);
  }
  return messages;
}

const usage = "../../test/types/usage.ts";
let said: Messages;
let saidUnderStrictAlone: Messages;

beforeAll(async () => {
  await mkdir(join(repository, ".cache"), { recursive: true });
  const project = await mkdtemp(join(repository, ".cache/types-"));
  const programs = Object.values(mistakes).map(({ program }, i) =>
    writeFile(join(project, `${i}.ts`), header + program),
  );
  await Promise.all(programs);
  const lax = { exactOptionalPropertyTypes: false, noUncheckedIndexedAccess: false };
  [said, saidUnderStrictAlone] = await Promise.all([
    compile(project, {}, [usage, "*.ts"]),
    compile(project, lax, [usage]),
  ]);
  await rm(project, { recursive: true });
}, 60_000);

test("what users may write compiles, and what they may not write does not", () => {
  expect([...said].filter(([path]) => !/^\d+\.ts$/.test(path))).toEqual([]);
});

test("so it is under `strict` alone", () => {
  expect([...saidUnderStrictAlone]).toEqual([]);
});

describe("what the compiler says of", () => {
  test.each(Object.entries(mistakes).map(([what, { messages }], i) => [what, `${i}.ts`, messages] as const))(
    "%s",
    (_, path, messages) => {
      expect(said.get(path)).toEqual(messages);
    },
  );
});

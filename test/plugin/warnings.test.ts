import { describe, expect, test } from "vitest";
import { generate, mapImports } from "./generate.js";

const task = "option (taskledger.v1.task) = {};";

const warningsOf = async (source: string) => (await generate(source)).warnings;

describe("a warning that build() is ambiguous", () => {
  test("comes for a field `id` that id_field does not name", async () => {
    const source = "message FetchFile { option (taskledger.v1.task) = {}; string id = 1; }";
    expect(await warningsOf(source)).toEqual([
      "protoc-gen-taskledger: warning: example.proto:2:28: message example.v1.FetchFile: FetchFileTask.build() cannot" +
        ' tell the field "id" from the task\'s own id; write id_field: "id" if they are the same, or make tasks with' +
        " new FetchFileTask({ taskList, id, data })",
    ]);
  });

  test("comes for a field `task_list` that list_field does not name", async () => {
    const source = "message FetchFile { option (taskledger.v1.task) = {}; string task_list = 1; }";
    expect(await warningsOf(source)).toEqual([
      "protoc-gen-taskledger: warning: example.proto:2:28: message example.v1.FetchFile: FetchFileTask.build() cannot" +
        ' tell the field "task_list" from the task\'s own taskList; write list_field: "task_list" if they are the' +
        " same, or make tasks with new FetchFileTask({ taskList, id, data })",
    ]);
  });

  test.each([
    ["int64 id = 1;", "is no string"],
    ["oneof id { string name = 1; }", "is a oneof"],
    ['string id = 1; string key = 2; option (taskledger.v1.task).id_field = "key";', "has a rival in id_field"],
    ['string id = 1; option (taskledger.v1.task).list_field = "id";', "is the list already"],
  ])("gives no advice to name what cannot be named: %s", async (body) => {
    const source = `message M { ${body} ${body.includes("option") ? "" : "option (taskledger.v1.task) = {};"} }`;
    expect(await warningsOf(source)).toEqual([
      expect.stringMatching(/own id; make tasks with new MTask\(\{ taskList, id, data \}\)$/),
    ]);
  });

  test("comes once, however many targets there are", async () => {
    const source = "message M { option (taskledger.v1.task) = {}; string id = 1; }";
    expect((await generate(source, `target=ts+js+dts,${mapImports}`)).warnings).toHaveLength(1);
    expect((await generate(source, `target=dts+js,${mapImports}`)).warnings).toHaveLength(1);
  });

  test("comes once a message", async () => {
    const source = `
      message A { option (taskledger.v1.task) = {}; string id = 1; string task_list = 2; }
      message B { option (taskledger.v1.task) = {}; string id = 1; }
      message C { string id = 1; }`;
    expect(await warningsOf(source)).toEqual([
      expect.stringContaining('message example.v1.A: ATask.build() cannot tell the field "task_list"'),
      expect.stringContaining('message example.v1.A: ATask.build() cannot tell the field "id"'),
      expect.stringContaining('message example.v1.B: BTask.build() cannot tell the field "id"'),
    ]);
  });

  test("does not come where the options name the fields", async () => {
    const source = `
      message M {
        option (taskledger.v1.task) = { list_field: "task_list" id_field: "id" };
        string task_list = 1;
        string id = 2;
      }`;
    expect(await warningsOf(source)).toEqual([]);
  });
});

test("of many warnings the first five come, and how many more there are", async () => {
  const messages = Array.from({ length: 690 }, (_, i) => `message M${i} { ${task} string id = 1; }`);
  const warnings = await warningsOf(messages.join("\n"));
  expect(warnings.slice(0, -1)).toEqual(
    [0, 1, 2, 3, 4].map((i) => expect.stringContaining(`message example.v1.M${i}: M${i}Task.build() cannot tell`)),
  );
  expect(warnings.at(-1)).toBe("protoc-gen-taskledger: warning: and 685 more");
});

describe("a warning that nothing was generated", () => {
  const plain = (name: string) => `syntax = "proto3"; package ${name}; message M { string id = 1; }`;
  const explanation = (where: string) => `\
protoc-gen-taskledger: warning: nothing to generate: no message in ${where} is a task type; mark one, in it

    option (taskledger.v1.task) = {};

and in its file

    import "taskledger/v1/options.proto";

(buf runs the plugin separately for each directory, unless its entry in buf.gen.yaml has strategy: all)`;

  test("comes where no message is a task type, and says what to write", async () => {
    expect(await generate({ "a.proto": plain("a") })).toEqual({ files: {}, warnings: [explanation("a.proto")] });
  });

  test("comes where the option's file is imported, and the option is missing", async () => {
    expect(await warningsOf("message M { string id = 1; }")).toEqual([explanation("example.proto")]);
  });

  test("comes once a run, however many files and targets there are", async () => {
    const files = Object.fromEntries(["a", "b", "c"].map((name) => [`${name}.proto`, plain(name)]));
    const { warnings } = await generate(files, `target=ts+js+dts,${mapImports}`);
    expect(warnings).toEqual([explanation("a.proto and 2 other files")]);
  });

  test("does not come where one of the files has a task type", async () => {
    const marked = `syntax = "proto3"; import "taskledger/v1/options.proto"; message T { ${task} }`;
    const files = { "a.proto": plain("a"), "b.proto": plain("b"), "c.proto": marked };
    expect((await generate(files)).warnings).toEqual([]);
  });
});

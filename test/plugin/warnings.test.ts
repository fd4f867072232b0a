import { describe, expect, test } from "vitest";
import { generate, mapImports } from "./generate.js";

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

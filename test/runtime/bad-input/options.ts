import { CompositeTask, dateToVersion, versionToDate } from "taskledger";
import { describe } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { key, lone, tasks, testCases } from "./setup.js";

describe("options", () => {
  const withHeaders = (headers: unknown) => () => tasks.create(FetchFileTask, key, { headers });
  const createdAt = (date: unknown) => () => tasks.create(FetchFileTask, key, { createdAt: date });
  const years = "createdAt: expected a Date of the years 1 to 9999, got ";
  testCases([
    [
      "null for the options of build",
      () => FetchFileTask.build(key, null as never),
      "INVALID_ARGUMENT",
      "options",
      "got null",
    ],
    [
      "text for the options of new",
      () => new FetchFileTask(key, "x" as never),
      "INVALID_ARGUMENT",
      "options",
      'got "x"',
    ],
    [
      "null for the options of save",
      () => tasks.save(FetchFileTask.build(key), null),
      "INVALID_ARGUMENT",
      "options",
      "got null",
    ],
    [
      "a signal for the options of find",
      () => tasks.find("list", "id", new AbortController().signal),
      "INVALID_ARGUMENT",
      "options",
      "got an object (AbortSignal)",
    ],
    ["null for the options of all", () => tasks.all("list", null), "INVALID_ARGUMENT", "options", "got null"],
    [
      "null for the options of complete",
      async () => tasks.complete(await tasks.find("list", "id"), null),
      "INVALID_ARGUMENT",
      "options",
      "got null",
    ],
    ["null for the options of saveAll", () => tasks.saveAll([], null), "INVALID_ARGUMENT", "options", "got null"],
    [
      "null for the options of completeAll",
      () => tasks.completeAll([], null),
      "INVALID_ARGUMENT",
      "options",
      "got null",
    ],
    ["null for the options of fromHash", () => tasks.fromHash({}, null), "INVALID_ARGUMENT", "options", "got null"],
    [
      "null for the options of run",
      () => CompositeTask.build({ ...key, childTaskList: "c" }).run(null as never),
      "INVALID_ARGUMENT",
      "options",
      "got null",
    ],
    [
      "an array of headers",
      withHeaders([["a", "b"]]),
      "INVALID_DATA",
      "headers",
      "headers: expected an object, got an array of 1",
    ],
    ["null for headers", withHeaders(null), "INVALID_DATA", "headers", "headers: expected an object, got null"],
    ["a Map of headers", withHeaders(new Map([["a", "b"]])), "INVALID_DATA", "headers", "got an object (Map)"],
    ["fetch's Headers", withHeaders(new Headers({ a: "b" })), "INVALID_DATA", "headers", "got an object (Headers)"],
    [
      "a header that is a number",
      withHeaders({ a: "b", n: 1 }),
      "INVALID_DATA",
      'headers["n"]',
      "expected well-formed strings, got 1",
    ],
    ["a header that is a list", withHeaders({ a: ["b"] }), "INVALID_DATA", 'headers["a"]', "got an array of 1"],
    [
      "a header with a lone surrogate",
      withHeaders({ a: lone }),
      "INVALID_DATA",
      'headers["a"]',
      "expected well-formed strings",
    ],
    [
      "a header's name with one",
      withHeaders({ [lone]: "a" }),
      "INVALID_DATA",
      'headers["\\ud800"]',
      "expected well-formed strings",
    ],
    ["text for createdAt", createdAt("2026-01-01"), "INVALID_DATA", "createdAt", `${years}"2026-01-01"`],
    ["a number for createdAt", createdAt(0), "INVALID_DATA", "createdAt", `${years}0`],
    ["an invalid createdAt", createdAt(new Date(Number.NaN)), "INVALID_DATA", "createdAt", `${years}an invalid Date`],
    [
      "a createdAt in the year 10000",
      createdAt(new Date(253_402_300_800_000)),
      "INVALID_DATA",
      "createdAt",
      `${years}a Date (+010000-01-01T`,
    ],
    ["a createdAt before the year 1", createdAt(new Date(-62_135_596_800_001)), "INVALID_DATA", "createdAt", years],
    [
      "a number for savedBefore",
      () => tasks.all("list", { savedBefore: 1_700_000_000 }),
      "INVALID_ARGUMENT",
      "savedBefore",
      "expected a Date or a version (bigint, in microseconds); got 1700000000",
    ],
    [
      "an invalid savedBefore",
      () => tasks.all("list", { savedBefore: new Date("x") }),
      "INVALID_ARGUMENT",
      "savedBefore",
      "got an invalid Date",
    ],
    [
      "an AbortController for a signal",
      () => tasks.find("list", "id", { signal: new AbortController() }),
      "INVALID_ARGUMENT",
      "signal",
      "expected an AbortSignal, got an object (AbortController)",
    ],
    [
      "one in saveAll",
      () => tasks.saveAll([FetchFileTask.build(key)], { signal: new AbortController() }),
      "INVALID_ARGUMENT",
      "signal",
      "expected an AbortSignal",
    ],
    [
      "no concurrency",
      () => tasks.saveAll([FetchFileTask.build(key)], { concurrency: 0 }),
      "INVALID_ARGUMENT",
      "concurrency",
      "must be a whole number from 1; got 0",
    ],
    ["half a task in a batch", () => tasks.saveAll([], { batchSize: 0.5 }), "INVALID_ARGUMENT", "batchSize", "got 0.5"],
    [
      "text for concurrency",
      () => tasks.completeAll([], { concurrency: "4" }),
      "INVALID_ARGUMENT",
      "concurrency",
      'got "4"',
    ],
    [
      "a number for a version",
      () => versionToDate(5 as never),
      "INVALID_ARGUMENT",
      "version",
      "expected a version (bigint, in microseconds); got 5",
    ],
    [
      "an invalid Date",
      () => dateToVersion(new Date("x")),
      "INVALID_ARGUMENT",
      "date",
      "expected a valid Date; got an invalid Date",
    ],
  ]);
});

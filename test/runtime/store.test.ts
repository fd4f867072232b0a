import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { openStore } from "taskledger/store";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { importDriver } from "../../src/core/import-driver.js";
import { failureOf } from "./failure.js";

describe("a store that is named by its URL", () => {
  test("is open, and serves a data interface", async () => {
    await using tasks = new DataInterface({ types: [FetchFileTask], adapter: await openStore("memory:") });
    await tasks.create(FetchFileTask, { taskList: "l", id: "i" });
    expect(await tasks.find("l", "i")).toBeDefined();
    expect(tasks.adapter).toBeInstanceOf(MemoryAdapter);
  });

  test("is a new one each time where it is in memory", async () => {
    expect(await openStore("memory:")).not.toBe(await openStore("memory:"));
  });

  test("is not opened where the signal was aborted before", async () => {
    const signal = AbortSignal.abort();
    expect(await failureOf(() => openStore("memory:", { signal }))).toMatchObject({ code: "ABORTED" });
  });
});

describe("a driver", () => {
  test("is what its module gives", async () => {
    expect(await importDriver("a-driver", async () => "a-driver")).toBe("a-driver");
  });

  test("that is not installed is an error with the line that installs it", async () => {
    const missing = "@taskledger/no-such-driver";
    expect(await failureOf(() => importDriver(missing, () => import(/* @vite-ignore */ missing)))).toMatchObject({
      code: "MISSING_DRIVER",
      outcome: "not-applied",
      message: `${missing} is not installed; install it: npm install ${missing}`,
      cause: { code: "ERR_MODULE_NOT_FOUND" },
    });
  });

  test.each([
    ["Node", { code: "ERR_MODULE_NOT_FOUND", message: "Cannot find package 'a-driver' imported from /app/store.js" }],
    [
      "Deno",
      { code: "ERR_MODULE_NOT_FOUND", message: 'Import "a-driver" not a dependency\n    at file:///app/store.js:1:20' },
    ],
    [
      "Node's require",
      { code: "MODULE_NOT_FOUND", message: "Cannot find module 'a-driver'\nRequire stack:\n- /app/store.js" },
    ],
    [
      "Yarn",
      {
        code: "MODULE_NOT_FOUND",
        message: "Your application tried to access a-driver",
        data: { request: "a-driver/package.json", dependencyName: "a-driver" },
      },
    ],
  ])("that is not installed is known by what %s says", async (_, cause) => {
    const error = Object.assign(new Error(), cause);
    expect(await failureOf(() => importDriver("a-driver", () => Promise.reject(error)))).toMatchObject({
      code: "MISSING_DRIVER",
      message: "a-driver is not installed; install it: npm install a-driver",
    });
  });

  test.each([
    [
      "of another processor",
      Object.assign(new Error("wrong ELF class"), { code: "ERR_DLOPEN_FAILED" }),
      "wrong ELF class",
    ],
    [
      "that lacks what it needs itself",
      Object.assign(new Error("Cannot find package 'msgpackr' imported from /app/a-driver.js"), {
        code: "ERR_MODULE_NOT_FOUND",
      }),
      "Cannot find package 'msgpackr' imported from /app/a-driver.js",
    ],
    [
      "that was not built",
      Object.assign(new Error("Cannot find module './build/a-driver.node'"), { code: "MODULE_NOT_FOUND" }),
      "Cannot find module './build/a-driver.node'",
    ],
    ["that throws what is no error", "no", "no"],
    ["that throws null", null, "null"],
  ])("%s says why it does not load, and nothing of installing it", async (_, cause, why) => {
    expect(await failureOf(() => importDriver("a-driver", () => Promise.reject(cause)))).toMatchObject({
      code: "MISSING_DRIVER",
      message: `a-driver is installed, but can't be loaded: ${why}`,
      cause,
    });
  });
});

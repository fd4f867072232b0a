import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { openStore } from "taskledger/store";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { importDriver } from "../../src/driver.js";
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
    expect(await failureOf(() => importDriver("a-driver", () => import(/* @vite-ignore */ missing)))).toMatchObject({
      code: "MISSING_DRIVER",
      outcome: "not-applied",
      message: "a-driver is not installed; install it: npm install a-driver",
      cause: { code: "ERR_MODULE_NOT_FOUND" },
    });
  });

  test("that does not load says why", async () => {
    const cause = new Error("wrong ELF class");
    expect(await failureOf(() => importDriver("a-driver", () => Promise.reject(cause)))).toMatchObject({
      code: "MISSING_DRIVER",
      message: "a-driver can't be loaded: wrong ELF class; install it: npm install a-driver",
      cause,
    });
  });
});

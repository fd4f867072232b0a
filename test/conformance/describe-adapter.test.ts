import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { adapterCases, describeAdapter, type It, runConformance } from "../../src/testing/index.js";
import { ClosesOnce, WantsToBeOpened } from "./wrong-calls.js";

const createAdapter = () => new MemoryAdapter();

describe("adapterCases", () => {
  it("gives each case a name of its own, by which it can be told", () => {
    const names = adapterCases(createAdapter).map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  it("skips no case where every option is given", () => {
    const options = { reads: () => 0, redeliver: async () => {} };
    expect(adapterCases(createAdapter, options).filter(({ skipped }) => skipped)).toEqual([]);
  });
});

describe("describeAdapter", () => {
  it("registers every case in its group, with the reason of those that it skips", () => {
    const path: string[] = [];
    const lines: string[] = [];
    const describeGroup = (name: string, body: () => void) => {
      path.push(name);
      body();
      path.pop();
    };
    const register: It = (name, _, timeout) => lines.push([...path, name, timeout].join(" > "));
    const skip = (name: string) => lines.push([...path, name].join(" > "));
    describeAdapter("mine", createAdapter, {
      describe: describeGroup,
      it: Object.assign(register, { skip }),
      persistent: false,
      timeout: 2000,
    });
    expect(lines).toContain("mine > complete > a complete of an older version leaves a newer one > 5000");
    const reason = "(skipped: the store ends with its adapter (persistent: false))";
    expect(lines).toContain(
      `mine > a store of several adapters > closing one adapter does not affect another ${reason}`,
    );
    expect(lines).toHaveLength(adapterCases(createAdapter).length);
  });

  it("runs in node:test, too", { timeout: 60_000 }, async () => {
    const runner = fileURLToPath(new URL("./node-runner.ts", import.meta.url));
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", runner], { env });
    expect(stdout).toMatch(/a complete of an older version leaves a newer one/);
    expect(stdout).toMatch(/skipped: the store ends with its adapter/);
  });
});

describe("runConformance", () => {
  const options = { persistent: false, tasks: 200, seeds: [1], timeout: 5000 };

  it("tells what came of each case", async () => {
    const results = await runConformance(() => new WantsToBeOpened(), options);
    expect(results).toHaveLength(adapterCases(createAdapter).length);
    const failed = results.find(({ name }) => name === "every call opens the store by itself");
    expect(failed?.error).toEqual(new Error("not open"));
    const passed = results.find(({ name }) => name === "an adapter can be closed without having been opened");
    expect(passed).toEqual({ group: "close", name: "an adapter can be closed without having been opened" });
    const skipped = results.filter((result) => result.skipped !== undefined);
    expect(skipped.every(({ error }) => error === undefined)).toBe(true);
  });

  it("takes it for a failure if an adapter can't be closed after a case", async () => {
    class NeverCloses extends ClosesOnce {
      override close(): Promise<void> {
        return new Promise(() => {});
      }
    }
    const [first] = adapterCases(() => new NeverCloses(), { ...options, timeout: 50 });
    await expect(first?.run()).rejects.toThrow("close took longer than 50 ms");
  });
});

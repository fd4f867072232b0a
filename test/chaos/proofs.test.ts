import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { readFailureMatrix } from "./failure-matrix.js";
import { proofOf } from "./proofs.js";
import type { Report } from "./report.js";

const chaos = { passed: true, faults: [{ fault: "a node is killed" }] } as unknown as Report;
const row = { fault: "the disk is full", proof: { file: "test/disks.test.ts", title: "a disk of %s is full" } };

function report(...statuses: string[]) {
  const assertionResults = statuses.map((status, i) => {
    const title = `a disk of ${i} bytes is full`;
    return { title, status, fullName: `disks (nobody may mount) ${title}` };
  });
  return { testResults: [{ name: "/checkout/test/disks.test.ts", assertionResults }] };
}

describe("a row of docs/failures.md", () => {
  test("is proved if each of its tests passed, and not if one failed or none ran", () => {
    expect(proofOf(row, chaos, [report("passed", "passed")])).toEqual({ is: "proved" });
    expect(proofOf(row, chaos, [report("passed", "failed")])).toEqual({ is: "not proved" });
    expect(proofOf(row, chaos, [report("skipped", "failed")])).toEqual({ is: "not proved" });
    expect(proofOf(row, chaos, [report()])).toEqual({ is: "not proved" });
    expect(proofOf({ ...row, proof: { file: "test/files.test.ts", title: "" } }, chaos, [report("passed")])).toEqual({
      is: "not proved",
    });
  });

  test("is left out with its reason if a test was", () => {
    const title = "disks (nobody may mount) a disk of 1 bytes is full";
    expect(proofOf(row, chaos, [report("passed", "skipped")])).toEqual({ is: "left out", title });
  });

  test("of chaos is proved if the fault was inflicted, and the run passed", () => {
    const of = (fault: string, passed = true) => proofOf({ fault, proof: "chaos" }, { ...chaos, passed }, []).is;
    expect([of("a node is killed"), of("a node is killed", false), of("another")]).toEqual([
      "proved",
      "not proved",
      "not proved",
    ]);
  });
});

test("what is left out is an error in CI, and named elsewhere; what is not proved is an error everywhere", () => {
  const folder = temporaryFolder();
  const matrix = readFailureMatrix();
  const faults = matrix.filter(({ proof }) => proof === "chaos");
  const tests = matrix.flatMap(({ proof }) => (proof === "chaos" ? [] : [proof]));
  const write = (name: string, value: unknown) => {
    writeFileSync(join(folder, name), JSON.stringify(value));
    return join(folder, name);
  };
  const chaosFile = write("chaos.json", { passed: true, faults });
  const check = (status: string | undefined, CI: string) => {
    const testResults = tests.map(({ file, title }) => ({
      name: `/checkout/${file}`,
      assertionResults: title.startsWith("a Redis")
        ? [{ title, status, fullName: `${title} (redis-server is not installed)` }]
        : [{ title, status: "passed" }],
    }));
    const args = ["--import", "tsx", "test/chaos/check-proofs.ts", chaosFile, write("tests.json", { testResults })];
    const { status: code, stderr } = spawnSync(process.execPath, args, {
      env: { ...process.env, CI },
      encoding: "utf8",
    });
    return { code, stderr };
  };
  const leftOut = "(left out: a Redis that is flushed loses no task (redis-server is not installed))";
  const fault = "not proved: a Redis is flushed in which 120 tasks wait";
  expect(check("passed", "true")).toEqual({ code: 0, stderr: "" });
  expect(check("skipped", "true")).toEqual({ code: 1, stderr: `${fault} ${leftOut}\n` });
  expect(check("skipped", "")).toEqual({ code: 0, stderr: `${fault} ${leftOut}\n` });
  expect(check("failed", "")).toMatchObject({ code: 1, stderr: expect.stringContaining(fault) });
});

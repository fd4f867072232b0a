import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type QueueKind, whyNoQueue } from "../../examples/orders/queues/queue-server.js";
import { leftOut } from "../support/left-out.js";
import { figuresOf, runExample } from "./run-example.js";

const TIMEOUT = 180_000;

describe("npm run example:orders", { timeout: TIMEOUT }, () => {
  for (const kind of ["pipes", "bullmq", "pg-boss"] satisfies QueueKind[]) {
    const reason = leftOut(`npm run example:orders with ${kind}`, whyNoQueue(kind));
    test.skipIf(reason)(`loses no task with ${kind}${reason ? ` (${reason})` : ""}`, async () => {
      const run = await runExample("orders/main.ts", ["--queue", kind, "--orders", "10"], [], TIMEOUT);
      expect(run).toMatchObject({ code: 0, stderr: "" });
      expect(figuresOf(run)).toMatchObject({ orders: 20, tasks: 90, done: 90, "given up, and revived": 2, lost: 0 });
    });
  }

  test.each([
    ["a queue that it does not know", ["--queue", "kafka"], "--queue is one of pipes, bullmq, pg-boss"],
    ["what is no number", ["--orders", "many"], "--orders is a number from 1"],
    ["a store that is one process's own", ["--store", "memory:"], "memory: is one process's own"],
    ["a store without transactions", ["--store", "cassandra://h/k"], "Cassandra can't save an order's tasks together"],
  ])("ends with one line and no stack trace for %s", async (_, args, message) => {
    const run = await runExample("orders/main.ts", args);
    expect(run).toMatchObject({ code: 1, stdout: "" });
    expect(run.stderr).toMatch(new RegExp(`^orders: ${message}[^\\n]*\\n$`));
  });
});

test("the example hands over and recovers in at most 40 lines", () => {
  const lines = readFileSync("examples/orders/handing-over.ts", "utf8").split("\n");
  const code = lines.filter((line) => !/^\s*(\/\/.*|\/\*\*.*\*\/|)$/.test(line));
  expect(code.length).toBeGreaterThan(20);
  expect(code.length).toBeLessThanOrEqual(40);
});

import { expect, it } from "vitest";
import { runExample } from "./run-example.js";

it("two hosts share a list: what one leaves behind when it dies, the other does", { timeout: 60_000 }, async () => {
  const { code, stdout, stderr } = await runExample("recovery/main.ts", []);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toMatch(/^host A has done 2\d tasks$/m);
  expect(stdout).toMatch(/^host B has done \d+ tasks$/m);
  expect(stdout).toMatch(/^dead letter: poison, after 3 attempts: it can't be done$/m);
  expect(stdout).toMatch(/^open at the end: 0$/m);
});

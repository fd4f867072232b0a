import { inspect } from "node:util";
import fc from "fast-check";
import * as everything from "taskledger";
import { BulkError, DataInterface, isTaskError, Task } from "taskledger";
import * as store from "taskledger/store";
import { describe, expect, test } from "vitest";
import { type Call, calls, notForHostility } from "./hostile/calls.js";
import { type Any, hostile, lookalikes, make, SourceError } from "./hostile/values.js";

// Whatever a caller hands in, a public function gives a result or a TaskError. Only what a caller's own source throws while it
// is read comes out of streams of frames as it is.

/** Where what a source, or an option's function such as `onEvent`, throws comes out as it is. */
const readsSources = /Frames$|^toBatch$|TaskGenerator$|append$|^existingTasks$|hostile queue$|^recover$/;

/**
 * A proxy around a class is a function as any other, until it is called; and an async generator awaits what it yields, which
 * fails for what can't be looked at.
 */
function isSourcesOwn(error: unknown): boolean {
  return error instanceof SourceError || /without 'new'|revoked|to look at this throws/.test((error as Error).message);
}

async function settle(result: unknown): Promise<void> {
  const given = await result;
  if (typeof given !== "object" || given === null) return;
  const iterate =
    (given as Any)[Symbol.asyncIterator] ?? (given instanceof Task ? undefined : (given as Any)[Symbol.iterator]);
  if (typeof iterate === "function") {
    const iterator = iterate.call(given);
    await iterator.next();
    await iterator.return?.();
  }
}

/** Calls with one hostile argument. Throws what is no TaskError. */
async function call(name: string, [act, ...valid]: Call, i: number, value: unknown): Promise<void> {
  try {
    await settle(act(...valid.map((each, j) => (i === j ? value : each))));
  } catch (error) {
    if (readsSources.test(name) && isSourcesOwn(error)) return;
    if (!isTaskError(error)) throw error;
    if (error instanceof BulkError) for (const failure of error.failures) expect(isTaskError(failure.error)).toBe(true);
    expect(error.message.length).toBeLessThan(1_000);
  }
}

describe("whatever is handed in,", () => {
  describe.each(Object.entries(calls))("%s gives a result or a TaskError", (name, [act, ...valid]) => {
    test.each(valid.map((_, i) => i))("for each odd value as argument %i", async (i) => {
      for (const [odd, value] of Object.entries(lookalikes))
        await call(name, [act, ...valid], i, value).catch((error: unknown) => expect.fail(`${odd}: ${inspect(error)}`));
    });

    test("for others at random", async () => {
      const at = fc.nat({ max: valid.length - 1 });
      const property = fc.asyncProperty(at, hostile, (i, recipe) => call(name, [act, ...valid], i, make(recipe)));
      await fc.assert(property, { numRuns: 100 });
    });
  });

  const tested = Object.entries(calls).map(([name, [act]]) => `${name} ${act}`);

  test("every public function is among them", () => {
    const names = Object.keys({ ...everything, ...store }).filter((name) => !notForHostility.includes(name));
    expect(names.filter((name) => !tested.some((each) => each.includes(name)))).toEqual([]);
  });

  test("so is every method of a data interface", () => {
    const names = Object.getOwnPropertyNames(DataInterface.prototype).filter((name) =>
      /^(?!constructor|adapter)/.test(name),
    );
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !tested.some((each) => each.includes(`.${name}(`)))).toEqual([]);
  });
});

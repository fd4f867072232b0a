import fc from "fast-check";
import { isTaskError, Task } from "taskledger";
import { describe, expect, test } from "vitest";
import { EverythingTask } from "../kinds.js";
import { expectStoreUnchanged, key, tasks } from "./setup.js";

describe("anything at all", () => {
  const hash = (data: object, more: object = {}) => ({
    ...key,
    data: { "@type": "x/kinds.Everything", ...data },
    ...more,
  });
  const jsonish: fc.Arbitrary<unknown> = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    withTypedArray: true,
    maxDepth: 3,
  });
  const memberNames = [
    "text",
    "child",
    "children",
    "any",
    "struct",
    "timestamp",
    "blobByInt32",
    "int64",
    "value",
    "choice",
    "mask",
  ];
  const hashes = fc.oneof(
    jsonish,
    fc.dictionary(fc.constantFrom(...memberNames), jsonish).map((data) => hash(data)),
    fc
      .dictionary(fc.constantFrom("taskList", "id", "savedAt", "headers", "attempt", "x"), jsonish)
      .map((more) => hash({}, more)),
  );

  test("of anything at all gives a task, or an error that is documented", async () => {
    const seen = new Set<string>();
    await expectStoreUnchanged(async () => {
      fc.assert(
        fc.property(hashes, fc.boolean(), (value, ignoreUnknownFields) => {
          try {
            expect(tasks.fromHash(value, { ignoreUnknownFields })).toBeInstanceOf(Task);
            seen.add("read");
          } catch (error) {
            if (!isTaskError(error)) throw error;
            expect(["INVALID_HASH", "TOO_LARGE", "UNKNOWN_TYPE"]).toContain(error.code);
            seen.add(error.code);
          }
        }),
        { numRuns: 500 },
      );
    });
    expect([...seen]).toEqual(expect.arrayContaining(["INVALID_HASH", "read"]));
  });

  test("of anything at all for data is built, or refused with a TaskError", () => {
    const inits = fc.oneof(jsonish, fc.dictionary(fc.constantFrom(...memberNames), jsonish));
    fc.assert(
      fc.property(inits, (data) => {
        try {
          const task = new EverythingTask({ ...key, data });
          expect(EverythingTask.fromBinary(task.toBinary())).toBeInstanceOf(EverythingTask);
        } catch (error) {
          if (!isTaskError(error)) throw error;
          expect(["INVALID_DATA", "UNKNOWN_FIELD"]).toContain(error.code);
        }
      }),
      { numRuns: 500 },
    );
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestName } from "../../src/core/nearest-name.js";

const names = ["externalHost", "filename", "size", "id", "signal"];

test.each([
  ["external_host", "externalHost"],
  ["EXTERNAL-HOST", "externalHost"],
  ["externalHsot", "externalHost"],
  ["host", "externalHost"],
  ["filname", "filename"],
  ["fileName", "filename"],
  ["filenames", "filename"],
  ["sizes", "size"],
  ["sie", "size"],
  ["abortSignal", "signal"],
  ["length", undefined],
  ["", undefined],
  ["x", undefined],
  ["__proto__", undefined],
])("%s is meant to be %s", (name, meant) => expect(nearestName(name, names)).toBe(meant));

test("no time is spent on what is far too long", () => {
  expect(nearestName("filename".repeat(100_000), names)).toBeUndefined();
});

test("one letter that is put in, taken out, changed or swapped is seen", () => {
  const word = fc.string({ unit: fc.constantFrom(..."abcdefgh"), minLength: 6, maxLength: 20 });
  fc.assert(
    fc.property(word, fc.nat(), fc.constantFrom("x", "y"), (name, at, letter) => {
      const i = at % (name.length - 1);
      const before = name.slice(0, i);
      for (const wrong of [
        before + letter + name.slice(i),
        before + name.slice(i + 1),
        before + letter + name.slice(i + 1),
        before + name[i + 1] + name[i] + name.slice(i + 2),
      ])
        expect(nearestName(wrong, ["zzzzzz", name, "zzzzzzzz"])).toBe(name);
    }),
  );
});

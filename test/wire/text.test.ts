import fc from "fast-check";
import { expect, test } from "vitest";
import { readName } from "../../src/wire/text.js";

const read = (text: string) => {
  const bytes = Buffer.from(`..${text}..`);
  return readName(bytes, 2, bytes.length - 2);
};

test("a text that was read before is what its bytes say, whatever was read in between", () => {
  // Few letters, so that many texts are of the same length and differ in little.
  const similar = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 70 });
  const text = fc.oneof(similar, fc.string({ unit: "grapheme" }));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 50 }), (texts) => {
      const all = [...texts, ...texts.toReversed(), ...texts];
      expect(all.map(read)).toEqual(all);
    }),
    { numRuns: 500 },
  );
});

test("texts that differ in one byte only are told apart", () => {
  for (let length = 1; length <= 64; length++) {
    const text = "x".repeat(length);
    expect(read(text)).toBe(text);
    for (let i = 0; i < length; i++) {
      const other = `${text.slice(0, i)}y${text.slice(i + 1)}`;
      expect([read(other), read(text)]).toEqual([other, text]);
    }
  }
});

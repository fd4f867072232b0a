import { describe, expect, test } from "vitest";
import { toPicture } from "../../bench/picture.js";
import { failedRow, type Row, toRow } from "../../bench/row.js";

const row = (name: string, value: number): Row => toRow({ name, unit: "tasks/s", values: [value] });
const widths = (svg: string) => [...svg.matchAll(/width="(\d+)" height="17"/g)].map(([, width]) => Number(width));

describe("the picture of a benchmark", () => {
  test("has a bar for each figure, as long as it is beside the most of its group", () => {
    const svg = toPicture("peers", "tasks/s", [row("a: x", 100), row("a: y", 25), row("b: x", 3), row("b: y", 6)]);
    const [most = 0, ...others] = widths(svg);
    expect(others).toEqual([most / 4, most / 2, most].map((width) => Math.round(width)));
  });

  test("gives a contender the same colour in each group", () => {
    const svg = toPicture("peers", "tasks/s", [row("a: x", 1), row("a: y", 2), row("b: y", 3), row("b: x", 4)]);
    const colours = [...svg.matchAll(/rx="2" fill="(.*?)"/g)].map(([, colour]) => colour);
    expect(new Set(colours).size).toBe(2);
    expect(colours).toEqual([...colours.slice(0, 2), colours[1], colours[0]]);
  });

  test("leaves out other units, says why something is missing, and escapes what is no text in XML", () => {
    const other = toRow({ name: "a: z", unit: "ms", values: [1] });
    const svg = toPicture("<peers>", "tasks/s", [
      row("a: x & y", 1),
      failedRow("a: q", "tasks/s", "left out: no q"),
      other,
    ]);
    expect(widths(svg)).toHaveLength(1);
    expect(svg).toContain("left out: no q");
    expect(svg).toContain("x &#38; y");
    expect(svg).not.toContain("<peers>");
  });
});

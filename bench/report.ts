import { readFile, writeFile } from "node:fs/promises";
import type { Range, Row } from "./row.js";

/** One line for people, for a row that was just measured. */
export function sayRow(row: Row): string {
  const { name, value, unit, baseline, ratio, ratioRange, range, goal, met, note } = row;
  const parts = [value === null ? "" : `${sayNumber(value)} ${unit} ${sayRange(range)}`];
  if (baseline !== null && ratio !== null)
    parts.push(`against ${sayNumber(baseline)}: ${sayRatio(ratio)} ${sayRange(ratioRange)}`);
  if (goal !== null) parts.push(`${met ? "met" : "MISSED"}: ${goal}`);
  if (note !== null) parts.push(note);
  return `${name}: ${parts.filter((part) => part !== "").join("; ")}`;
}

/** The rows as a table in Markdown. */
export function toMarkdown(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const { name, value, unit, baseline, ratio, goal, met, range, ratioRange, note } = row;
    const cells = [
      note === null ? name : `${name} (${note})`,
      value === null ? "–" : `${sayNumber(value)} ${unit} ${sayRange(range)}`,
      baseline === null ? "" : sayNumber(baseline),
      ratio === null ? "" : `${sayRatio(ratio)} ${sayRange(ratioRange)}`,
      goal ?? "",
      met === null ? "" : met ? "met" : "**missed**",
    ];
    return `| ${cells.map((cell) => cell.trim()).join(" | ")} |`;
  });
  return ["| what | figure | baseline | ratio | goal | |", "|---|---|---|---|---|---|", ...lines].join("\n");
}

export async function writeJson(file: string, rows: readonly Row[]): Promise<void> {
  await writeFile(file, `${JSON.stringify(rows, undefined, 2)}\n`);
}

/** Replaces a suite's last results, between two comments; the text around them is kept. */
export async function keepResults(file: string, suite: string, results: string): Promise<void> {
  const [start, end] = [`<!-- ${suite} -->`, `<!-- end of ${suite} -->`];
  const text = await readFile(file, "utf8").catch(() => "# Results of the benchmarks\n");
  const block = `${start}\n\n${results}\n\n${end}`;
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  const isThere = from >= 0 && to >= 0;
  await writeFile(file, isThere ? text.slice(0, from) + block + text.slice(to + end.length) : `${text}\n${block}\n`);
}

function sayRange(range: Range | null): string {
  if (range === null || range[0] === range[1]) return "";
  const digits = Math.max(...range.map(digitsOf));
  return `(${range.map((end) => sayNumber(end, digits)).join("–")})`;
}

function sayRatio(ratio: number): string {
  return `${sayNumber(ratio)}x`;
}

/** About three significant digits. */
function sayNumber(value: number, digits = digitsOf(value)): string {
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function digitsOf(value: number): number {
  return value >= 100 ? 0 : value >= 10 ? 1 : 2;
}

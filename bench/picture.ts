import type { Row } from "./row.js";

const WIDTH = 760;
const LABEL = 230;
const BAR = 22;
const HEAD = 34;
const MOST = WIDTH - LABEL - 110;
const PALETTE = ["#1f6feb", "#79b8ff", "#8c959f", "#c9a26b", "#6e7781"];

/**
 * A picture of the rows of one unit whose names are "GROUP: CONTENDER", as bars: each group has its own scale, and a
 * contender has the same colour in all groups. A row that could not be measured has a text in place of its bar.
 */
export function toPicture(title: string, unit: string, rows: readonly Row[]): string {
  const groups = groupsOf(rows.filter((row) => row.unit === unit));
  const contenders = [...new Set([...groups.values()].flat().map(contenderOf))];
  const parts: string[] = [];
  let y = 46;
  for (const [group, members] of groups) {
    parts.push(text(16, y + 18, `${group} (${unit})`, 'font-weight="600"'));
    y += HEAD;
    const most = Math.max(...members.map(({ value }) => value ?? 0));
    for (const row of members) {
      parts.push(bar(row, y, most, PALETTE[contenders.indexOf(contenderOf(row)) % PALETTE.length] as string));
      y += BAR;
    }
  }
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y + 16}" viewBox="0 0 ${WIDTH} ${y + 16}" font-family="system-ui, sans-serif" font-size="13" role="img">`;
  const ground = `<title>${escaped(title)}</title>\n<rect width="100%" height="100%" fill="#ffffff"/>`;
  return [head, ground, text(16, 30, title, 'font-size="16" font-weight="600"'), ...parts, "</svg>\n"].join("\n");
}

function groupsOf(rows: readonly Row[]): Map<string, Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const [name = ""] = row.name.split(": ");
    groups.set(name, [...(groups.get(name) ?? []), row]);
  }
  return groups;
}

function bar(row: Row, y: number, most: number, colour: string): string {
  const label = text(LABEL - 8, y + 15, contenderOf(row), 'text-anchor="end"');
  if (row.value === null) return `${label}\n${text(LABEL, y + 15, row.note ?? "", 'fill="#6e7781"')}`;
  const width = Math.max(1, Math.round((MOST * row.value) / most));
  const rect = `<rect x="${LABEL}" y="${y + 2}" width="${width}" height="${BAR - 5}" rx="2" fill="${colour}"/>`;
  return `${label}\n${rect}\n${text(LABEL + width + 6, y + 15, Math.round(row.value).toLocaleString("en"))}`;
}

function contenderOf({ name }: Row): string {
  return name.slice(name.indexOf(": ") + 2);
}

function text(x: number, y: number, words: string, attributes = ""): string {
  return `<text x="${x}" y="${y}"${attributes && ` ${attributes}`}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A step of a page that shows how something is done. */
export type Step =
  | { readonly kind: "file"; readonly path: string; readonly text: string }
  | { readonly kind: "run"; readonly commands: string; readonly expected: string | undefined };

export interface Block {
  readonly language: string;
  readonly lines: readonly string[];
}

/**
 * The steps of one section of a Markdown page, in order; undefined where there is no such section.
 *
 * - A block of `sh` is commands. A block of `text` right after it is what they print; in it, `…` stands for anything.
 * - A block of another language is a file if its first line is a comment with nothing but a path, as in
 *   `// src/main.ts` or `# buf.yaml`. JSON, which has no comments, is written without that line.
 * - All else is for reading only.
 */
export function readSteps(markdown: string, heading: string): readonly Step[] | undefined {
  const section = findSection(markdown.split(/\r?\n/), heading);
  return section && toSteps(readBlocks(section));
}

/** The lines from a heading to the next one of its level or above. */
function findSection(lines: readonly string[], heading: string): readonly string[] | undefined {
  const headings = findHeadings(lines);
  const start = headings.find(({ text }) => text === heading);
  if (start === undefined) return undefined;
  const end = headings.find(({ index, level }) => index > start.index && level <= start.level);
  return lines.slice(start.index + 1, end?.index);
}

function findHeadings(lines: readonly string[]): readonly { index: number; level: number; text: string }[] {
  let isCode = false;
  return lines.flatMap((line, index) => {
    if (line.startsWith("```")) isCode = !isCode;
    const [, marks, text] = /^(#+) (.*?)\s*$/.exec(line) ?? [];
    return isCode || marks === undefined || text === undefined ? [] : [{ index, level: marks.length, text }];
  });
}

/** The blocks of code of a page. */
export function readBlocks(lines: readonly string[]): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; lines: string[] } | undefined;
  for (const line of lines) {
    const fence = /^```(\S*)/.exec(line);
    if (fence && open) {
      blocks.push(open);
      open = undefined;
    } else if (fence) open = { language: fence[1] ?? "", lines: [] };
    else open?.lines.push(line);
  }
  return blocks;
}

function toSteps(blocks: readonly Block[]): readonly Step[] {
  return blocks.flatMap((block, index): Step[] => {
    if (block.language === "sh") {
      const next = blocks[index + 1];
      const expected = next?.language === "text" ? next.lines.join("\n") : undefined;
      return [{ kind: "run", commands: block.lines.join("\n"), expected }];
    }
    const path = filePath(block);
    if (path === undefined || block.language === "text") return [];
    const lines = block.language === "json" ? block.lines.slice(1) : block.lines;
    return [{ kind: "file", path, text: `${lines.join("\n")}\n` }];
  });
}

/** The path of the file that a block is, if it is one. */
export function filePath({ lines }: Block): string | undefined {
  return /^(?:\/\/|#) ([\w./-]+)$/.exec(lines[0] ?? "")?.[1];
}

/** Whether an output is as expected, trailing white space aside. */
export function matches(output: string, expected: string): boolean {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const pattern = trimLines(expected).split("…").map(literal).join("[^]*?");
  return new RegExp(`^${pattern}$`).test(trimLines(output));
}

function trimLines(text: string): string {
  return text.replace(/[^\S\n]+$/gm, "").trim();
}

/**
 * Commands with what they install taken out of them: the names behind each `npm install`, without the versions that are
 * asked for. Lines that end with a backslash go on in the next one.
 */
export function takeInstalls(commands: string): { readonly names: readonly string[]; readonly rest: string } {
  const lines = commands.replace(/\\\n\s*/g, "").split("\n");
  const isInstall = (line: string) => /^npm (install|i|add)\s/.test(line);
  const words = lines.filter(isInstall).flatMap((line) => line.split(/\s+/).slice(2));
  const names = words
    .filter((word) => !word.startsWith("-"))
    .map((word) => word.replace(/["']/g, "").replace(/(?<=.)@.*$/, ""));
  return { names, rest: lines.filter((line) => !isInstall(line)).join("\n") };
}

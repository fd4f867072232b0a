import { readFileSync } from "node:fs";
import { join } from "node:path";

// Checks that CONTRIBUTING.md's table of folders says what Biome lets each folder import.

interface Override {
  readonly includes: readonly string[];
  readonly linter: { readonly rules: { readonly style?: { readonly noRestrictedImports?: Restriction } } };
}

interface Restriction {
  readonly options: { readonly patterns: readonly [{ readonly group: readonly string[] }] };
}

const repository = join(import.meta.dirname, "..");
const read = (name: string) => readFileSync(join(repository, name), "utf8");

const table = tableOf(read("CONTRIBUTING.md"));
const rules = rulesOf(JSON.parse(read(".biome.json")).overrides);
const folders = new Set([...table.keys(), ...rules.keys()]);
const problems = [...folders].filter((folder) => table.get(folder) !== rules.get(folder));
for (const folder of problems)
  console.error(
    `src/${folder}: CONTRIBUTING.md lets it import ${table.get(folder) ?? "what it does not say"}; Biome lets it import ${rules.get(folder) ?? "anything"}`,
  );
if (problems.length > 0) process.exitCode = 1;

/** By folder, what it may import. */
function tableOf(page: string): Map<string, string> {
  const rows = page.matchAll(/^\| `src\/([\w/]+)\/` \|.*\| (.*?) ?\|$/gm);
  return new Map([...rows].map(([, folder, imports]) => [folder as string, namesIn(/`([^`]+)`/g, imports as string)]));
}

/** The same of Biome's rules for a folder's own files; those of its subfolders repeat them. */
function rulesOf(overrides: readonly Override[]): Map<string, string> {
  const entries = overrides.flatMap(({ includes, linter }) => {
    const folder = /^src\/((?:adapters\/)?\w+)\/\*\.ts$/.exec(includes[0] ?? "")?.[1];
    const group = linter.rules.style?.noRestrictedImports?.options.patterns[0].group;
    return folder && group
      ? [[folder, namesIn(/^!(?:\.\.\/)+([\w./]+?)(?:\/\*\*)?$/gm, group.join("\n"))] as const]
      : [];
  });
  return new Map(entries);
}

function namesIn(pattern: RegExp, text: string): string {
  const names = [...text.matchAll(pattern)].map(([, name]) => name as string).filter((name) => name !== "gen");
  return names.sort().join(", ") || "nothing";
}

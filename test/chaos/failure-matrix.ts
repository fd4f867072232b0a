import { readFileSync } from "node:fs";

/** A row of docs/failures.md: the test that proves it, or the fault of that name in a run of chaos. */
export interface MatrixRow {
  readonly fault: string;
  readonly proof: "chaos" | { readonly file: string; readonly title: string };
}

/** The rows of the tables that name a proof. Throws if a proof can't be parsed. */
export function readFailureMatrix(): MatrixRow[] {
  const text = readFileSync(new URL("../../docs/failures.md", import.meta.url), "utf8");
  return text
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter(
      ([start, fault, , , proof, end]) => start === "" && end === "" && fault !== "fault" && !/^-+$/.test(proof ?? ""),
    )
    .map(([, fault, , , proof]) => ({ fault: fault as string, proof: readProof(proof as string) }));
}

function readProof(proof: string): MatrixRow["proof"] {
  if (proof === "chaos") return proof;
  const [, file, title] = /^`([\w/.-]+)`: (.+)$/.exec(proof) ?? [];
  if (file === undefined || title === undefined)
    throw new Error(`docs/failures.md: ${JSON.stringify(proof)} is no proof`);
  return { file: `test/${file}`, title };
}

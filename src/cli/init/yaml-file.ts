import { readFile } from "node:fs/promises";
import { parse, YAMLError } from "yaml";
import type { Problem } from "../command-error.js";

/** A file of the user's, which may hold anything. */
export type YamlFile = { readonly missing: true } | { readonly problem: Problem } | { readonly value: unknown };

export async function readYaml(path: string, name: string): Promise<YamlFile> {
  try {
    return { value: parse(await readFile(path, "utf8"), { logLevel: "error" }) };
  } catch (error) {
    if (error instanceof YAMLError) return { problem: invalidYaml(name, error.message) };
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return { missing: true };
    throw error;
  }
}

function invalidYaml(name: string, message: string): Problem {
  const [text = "", ...where] = message.split("\n").filter((line) => line.trim() !== "");
  const advice = ["Mend the file:", "", ...where].join("\n");
  return { code: "INVALID_YAML", text: `${name} is not YAML: ${text.replace(/[.:]$/, "")}`, advice };
}

/** The member of a mapping, or undefined where there is none or no mapping. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** The items of a list; those of what is no list are none. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The strings of what may be written as one string or as a list of them. */
export function strings(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
}

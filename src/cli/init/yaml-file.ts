import { type Document, parseDocument } from "yaml";
import type { Problem } from "../command-error.js";
import { readProjectFile } from "./project-file.js";

/** A file of the user's, which may hold anything. */
export type YamlFile = { readonly missing: true } | { readonly problem: Problem } | YamlText;

export interface YamlText {
  readonly text: string;
  readonly value: unknown;
}

export async function readYaml(project: string, name: string): Promise<YamlFile> {
  const bytes = await readProjectFile(project, name);
  return bytes === undefined ? { missing: true } : parseYaml(name, bytes);
}

function parseYaml(name: string, bytes: Buffer): YamlText | { readonly problem: Problem } {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { text, value: toValue(parse(text)) };
  } catch (error) {
    return { problem: invalidYaml(name, (error as Error).message) };
  }
}

/** Parses a text as buf does, which supports merge keys (`<<`). */
export function parse(text: string): Document.Parsed {
  return parseDocument(text, { merge: true, logLevel: "error" });
}

/** Throws if the text is not YAML, or has an alias without a target or that expands too far, or without end. */
export function toValue(document: Document.Parsed): unknown {
  const [error] = document.errors;
  if (error) throw error;
  const value = document.toJS();
  if (isCircular(value)) throw new Error("an alias is a part of what it stands for");
  return value;
}

function isCircular(value: unknown): boolean {
  try {
    JSON.stringify(value);
    return false;
  } catch {
    return true;
  }
}

function invalidYaml(name: string, message: string): Problem {
  const [text = "", ...where] = message.split("\n").filter((line) => line.trim() !== "");
  const advice = where.length > 0 ? ["Fix the file:", "", ...where].join("\n") : "Fix the file.";
  return { code: "INVALID_YAML", text: `${name} is not YAML: ${text.replace(/[.:]$/, "")}`, advice };
}

/** The member of a mapping; undefined if there is none, or the value is not a mapping. */
export function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** The items of a list; empty if the node is not a list. */
export function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The strings of a value that may be one string or a list of strings. */
export function strings(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
}

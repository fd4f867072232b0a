import { type Document, isMap, isNode, isScalar, isSeq, stringify, visit } from "yaml";
import { parse } from "./yaml-file.js";

/** Adds to a document; its content and comments are kept. */
export type Edit = (document: Document.Parsed) => void;

/** A file's text with the edits applied; the unchanged text if they can't be. */
export function edited(text: string, edits: readonly Edit[]): string {
  const document = parse(text);
  // An addition to the target of an alias would appear at each use of the alias.
  if (edits.length === 0 || hasAlias(document)) return text;
  const style = { lineWidth: 0, indentSeq: !/:[^\S\n]*\r?\n- /.test(text) };
  const before = document.toString(style);
  for (const edit of edits) edit(document);
  const result = document.toString(style);
  if (result === before) return text;
  return text.includes("\r\n") ? result.replaceAll("\n", "\r\n") : result;
}

function hasAlias(document: Document.Parsed): boolean {
  let found = false;
  visit(document, {
    Alias() {
      found = true;
      return visit.BREAK;
    },
  });
  return found;
}

type Path = readonly (string | number)[];

/** Adds an item to a list, which may be written as its only item. */
export function addItem(document: Document.Parsed, path: Path, item: unknown): void {
  const list = document.getIn(path, true);
  if (isSeq(list)) list.add(document.createNode(item));
  else if (isAbsent(list)) document.setIn(path, document.createNode([item]));
  else if (isScalar(list)) document.setIn(path, document.createNode([list.value, item]));
}

/** Adds a member to a mapping that has none of its name. */
export function addMember(document: Document.Parsed, path: Path, name: string, value: unknown): void {
  const mapping = document.getIn(path, true);
  if (isMap(mapping) && isAbsent(mapping.get(name, true))) mapping.set(name, document.createNode(value));
}

function isAbsent(node: unknown): boolean {
  return !isNode(node) || (isScalar(node) && node.value === null);
}

/** A string in YAML, quoted if it would otherwise not be read as a string. */
export function scalar(text: string): string {
  return stringify(text, { lineWidth: 0 }).trimEnd();
}

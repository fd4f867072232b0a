import { existsSync } from "node:fs";
import { join, posix } from "node:path";
import { ownProtos } from "../../import-options.js";
import { items, member } from "./yaml-file.js";

/** Where a project has its .proto files, as paths relative to buf.yaml: each is a module of buf's. */
export interface Layout {
  /** The folders of its own. */
  readonly own: readonly [string, ...string[]];
  /** The folder of the copy of ours. */
  readonly vendored: string;
}

export const defaultLayout: Layout = { own: ["proto"], vendored: "third_party/taskledger" };

/** The layout that a buf.yaml gives; where it has no module with our .proto files, they belong in the default one. */
export function layoutOf(bufYaml: unknown, project: string): Layout {
  const paths = modules(bufYaml).map(({ path }) => path);
  const vendored = paths.find((path) => existsSync(join(project, path, ownProtos))) ?? defaultLayout.vendored;
  const [first, ...rest] = paths.filter((path) => path !== vendored);
  return { own: first === undefined ? defaultLayout.own : [first, ...rest], vendored };
}

export interface Module {
  readonly path: string;
  readonly excludes: readonly string[];
}

/** The modules of a buf.yaml. Without any, buf takes the whole folder for one. */
export function modules(bufYaml: unknown): readonly Module[] {
  const declared = items(member(bufYaml, "modules"));
  return (declared.length > 0 ? declared : [bufYaml]).map((each) => ({
    path: clean(member(each, "path") ?? "."),
    excludes: items(member(each, "excludes")).map(clean),
  }));
}

/** Whether a folder is in another one, or the same. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "." || `${path}/`.startsWith(`${folder}/`);
}

/** A path as buf compares it: `./proto/` is `proto`. */
export function clean(path: unknown): string {
  return posix.normalize(String(path)).replace(/(?<=.)\/$/, "");
}

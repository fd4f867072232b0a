import { existsSync } from "node:fs";
import { join, posix, relative, resolve, sep, win32 } from "node:path";
import { ownProtos } from "../../core/import-options.js";
import { items, member } from "./yaml-file.js";

/** The folders of a project's .proto files, as paths relative to buf.yaml: each is a module of buf's. */
export interface Layout {
  /** The folders of the project's own files. */
  readonly own: readonly [string, ...string[]];
  /** The folder of the copies of our files. */
  readonly vendored: string;
}

const defaultLayout: Layout = { own: ["proto"], vendored: "third_party/taskledger" };

/** The layout that a buf.yaml declares; if no module has our .proto files, their folder is the default one. */
export function layoutOf(bufYaml: unknown, project: string): Layout {
  const paths = modules(bufYaml)
    .map(({ path }) => path)
    .filter(isInside);
  const vendored = paths.find((path) => existsSync(join(project, path, ownProtos))) ?? defaultLayout.vendored;
  return createLayout(
    paths.filter((path) => path !== vendored),
    vendored,
  );
}

/** The layout of a project without a buf.yaml: its buf.gen.yaml may name the folders of its .proto files. */
export function layoutWithout(bufGenYaml: unknown, project: string): Layout {
  const { vendored } = defaultLayout;
  const folders = items(member(bufGenYaml, "inputs"))
    .map((input) => inputFolder(input, project))
    .filter((folder) => folder !== undefined && isInside(folder) && !isWithin(folder, vendored));
  return createLayout(folders as readonly string[], vendored);
}

function createLayout(folders: readonly string[], vendored: string): Layout {
  const [first, ...rest] = new Set(folders);
  return { own: first === undefined ? defaultLayout.own : [first, ...rest], vendored };
}

export interface Module {
  readonly path: string;
  readonly includes: readonly string[];
  readonly excludes: readonly string[];
}

/** The modules of a buf.yaml. Without any, buf takes the whole folder for one. */
export function modules(bufYaml: unknown): readonly Module[] {
  const declared = items(member(bufYaml, "modules"));
  return (declared.length > 0 ? declared : [bufYaml]).map((each) => ({
    path: clean(member(each, "path") ?? "."),
    includes: items(member(each, "includes")).map(clean),
    excludes: items(member(each, "excludes")).map(clean),
  }));
}

/** The folder of an input, relative to the project; undefined if the input is not a folder. */
export function inputFolder(input: unknown, project: string): string | undefined {
  const directory = member(input, "directory");
  if (typeof directory !== "string") return undefined;
  return relative(project, resolve(project, directory)).replaceAll(sep, "/") || ".";
}

/** Whether a path relative to the project stays in it, on any system, and can be printed. */
export function isInside(path: string): boolean {
  const leavesIt = [posix, win32].some(
    (each) => each.isAbsolute(path) || /^(\.\.([\\/]|$)|\w:)/.test(each.normalize(path)),
  );
  return !leavesIt && !/\p{Cc}/u.test(path);
}

/** Whether a folder is in another one, or the same. */
export function isWithin(path: string, folder: string): boolean {
  return folder === "." || `${path}/`.startsWith(`${folder}/`);
}

/** A path as buf compares it: `./proto/` is `proto`. */
export function clean(path: unknown): string {
  return posix.normalize(String(path)).replace(/(?<=.)\/$/, "");
}

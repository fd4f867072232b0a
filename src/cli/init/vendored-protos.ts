import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { ownProtos } from "../../core/import-options.js";
import { packageVersion } from "../../core/package-version.js";
import type { Problem } from "../command-error.js";
import { type ProjectFile, readProjectFile } from "./project-file.js";

export interface VendoredProtos {
  readonly files: readonly ProjectFile[];
  /** What differs, if anything does. */
  readonly problems: readonly Problem[];
}

/** The project's copies of our .proto files, compared with those of this package. */
export async function readVendoredProtos(project: string, folder: string): Promise<VendoredProtos> {
  const source = join(packageRoot(), "proto", ownProtos);
  const names = (await readdir(source)).filter((name) => name.endsWith(".proto")).sort();
  const files = names.map(async (name) => {
    const path = posix.join(folder, ownProtos, name);
    const wanted = await readFile(join(source, name), "utf8");
    return { path, wanted, state: compare((await readProjectFile(project, path))?.toString(), wanted) };
  });
  return withProblems(folder, await Promise.all(files));
}

function compare(found: string | undefined, wanted: string): ProjectFile["state"] {
  if (found === undefined) return "missing";
  // Git may have checked the copy out with the line ends of Windows.
  return found.replaceAll("\r\n", "\n") === wanted ? "current" : "different";
}

function withProblems(folder: string, files: readonly ProjectFile[]): VendoredProtos {
  const advice = "Copy them from the installed package: npx taskledger init";
  const texts = [
    ...listing(files, "missing", `${folder} lacks some of taskledger's .proto files`),
    ...listing(files, "different", `${folder} has .proto files that are not those of taskledger ${packageVersion}`),
  ];
  return { files, problems: texts.map((text) => ({ code: "STALE_PROTOS", text, advice })) };
}

function listing(files: readonly ProjectFile[], state: ProjectFile["state"], text: string): readonly string[] {
  const names = files.filter((file) => file.state === state).map(({ path }) => posix.basename(path));
  return names.length > 0 ? [`${text}: ${names.join(", ")}`] : [];
}

/** The folder of package.json, seen from the sources or from the built files. */
function packageRoot(folder = import.meta.dirname): string {
  return existsSync(join(folder, "package.json")) ? folder : packageRoot(dirname(folder));
}

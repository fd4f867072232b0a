import { join } from "node:path";
import type { Problem } from "../command-error.js";
import { bufGenYaml, checkBufGenYaml } from "./buf-gen-yaml.js";
import { bufYaml, checkBufYaml } from "./buf-yaml.js";
import { defaultLayout, type Layout, layoutOf } from "./layout.js";
import { pluginEntries } from "./plugin-entry.js";
import type { ProjectFile } from "./project-file.js";
import { readYaml, type YamlFile } from "./yaml-file.js";

/** A file of the user's, which is more than what `init` would write. */
export interface ConfigFile extends ProjectFile {
  /** What it lacks. */
  readonly problems: readonly Problem[];
}

/** The project's buf.yaml, and the layout that it gives. */
export async function readBufYaml(project: string): Promise<ConfigFile & { readonly layout: Layout }> {
  const path = "buf.yaml";
  const file = await readYaml(join(project, path), path);
  const layout = "value" in file ? layoutOf(file.value, project) : defaultLayout;
  return { ...configFile(path, bufYaml(layout), file, (value) => checkBufYaml(value, layout)), layout };
}

/** The project's buf.gen.yaml, and the version of protoc-gen-es if that is one at buf.build. */
export async function readBufGenYaml(
  project: string,
  layout: Layout,
): Promise<ConfigFile & { readonly remoteEs: string | undefined }> {
  const path = "buf.gen.yaml";
  const file = await readYaml(join(project, path), path);
  const plugins = "value" in file ? pluginEntries(file.value) : [];
  return {
    ...configFile(path, bufGenYaml(layout), file, (value) => checkBufGenYaml(value, layout)),
    remoteEs: plugins.find(({ name }) => name === "protoc-gen-es")?.remoteVersion,
  };
}

function configFile(
  path: string,
  wanted: string,
  file: YamlFile,
  checkValue: (value: unknown) => readonly Problem[],
): ConfigFile {
  if ("missing" in file) {
    const advice = "Write it: npx taskledger init";
    return {
      path,
      wanted,
      state: "missing",
      problems: [{ code: "MISSING_FILE", text: `there is no ${path}`, advice }],
    };
  }
  const problems = "problem" in file ? [file.problem] : checkValue(file.value);
  return { path, wanted, state: problems.length > 0 ? "off" : "fine", problems };
}

import type { Problem } from "../command-error.js";
import { bufGenYaml, checkBufGenYaml } from "./buf-gen-yaml.js";
import { checkBufVersion } from "./buf-version.js";
import { bufYaml, checkBufYaml, refuseBufYaml } from "./buf-yaml.js";
import type { ConfigProblem } from "./config-problem.js";
import { type Layout, layoutOf, layoutWithout } from "./layout.js";
import { pluginEntries } from "./plugin-entry.js";
import type { ProjectFile } from "./project-file.js";
import { checkWorkspace } from "./workspace.js";
import { edited } from "./yaml-edit.js";
import { parse, readYaml, toValue, type YamlFile } from "./yaml-file.js";

/** buf.yaml or buf.gen.yaml, which may have content of the user's: `wanted` only adds to it. */
export interface ConfigFile extends ProjectFile {
  /** What the file lacks. */
  readonly problems: readonly Problem[];
  /** What `wanted` still lacks. */
  readonly remaining: readonly Problem[];
  /** Whether `wanted` adds anything. */
  readonly canAdd: boolean;
}

export interface BufConfig {
  readonly layout: Layout;
  /** buf.yaml and buf.gen.yaml. */
  readonly files: readonly ConfigFile[];
  /** The version of protoc-gen-es if it is a remote plugin, which runs at buf.build. */
  readonly remoteEs: string | undefined;
}

/** The state of buf's files; or the problems that make them unusable, so that nothing may be written. */
export async function readBufConfig(project: string): Promise<BufConfig | { readonly refused: readonly Problem[] }> {
  const yaml = await readYaml(project, "buf.yaml");
  const gen = await readYaml(project, "buf.gen.yaml");
  const refused = [
    ...(await checkWorkspace(project, "missing" in yaml)),
    ...refuse(yaml, refuseBufYaml),
    ...refuse(gen, (value) => checkBufVersion("buf.gen.yaml", value)),
  ];
  if (refused.length > 0) return { refused };
  const genValue = "value" in gen ? gen.value : undefined;
  const layout = "value" in yaml ? layoutOf(yaml.value, project) : layoutWithout(genValue, project);
  return {
    layout,
    files: [
      await configFile("buf.yaml", bufYaml(layout), yaml, async (value) => checkBufYaml(value, layout)),
      await configFile("buf.gen.yaml", bufGenYaml(layout), gen, (value) => checkBufGenYaml(value, layout, project)),
    ],
    remoteEs: pluginEntries(genValue).find(({ name }) => name === "protoc-gen-es")?.remoteVersion,
  };
}

function refuse(file: YamlFile, check: (value: unknown) => readonly Problem[]): readonly Problem[] {
  if ("missing" in file) return [];
  return "problem" in file ? [file.problem] : check(file.value);
}

async function configFile(
  path: string,
  fresh: string,
  file: YamlFile,
  check: (value: unknown) => Promise<readonly ConfigProblem[]>,
): Promise<ConfigFile> {
  if (!("value" in file)) {
    const problem = { code: "MISSING_FILE", text: `there is no ${path}`, advice: "Write it: npx taskledger init" };
    return { path, wanted: fresh, state: "missing", problems: [problem], remaining: [], canAdd: false };
  }
  const problems = await check(file.value);
  const { text: wanted, problems: remaining } = await extend(file.text, problems, check);
  return {
    path,
    wanted,
    state: problems.length > 0 ? "different" : "current",
    problems,
    remaining,
    canAdd: wanted !== file.text,
  };
}

/** Adds what can be added. The result may show further problems. */
async function extend(
  text: string,
  problems: readonly ConfigProblem[],
  check: (value: unknown) => Promise<readonly ConfigProblem[]>,
  roundsLeft = 3,
): Promise<{ readonly text: string; readonly problems: readonly ConfigProblem[] }> {
  const added = edited(
    text,
    problems.flatMap(({ add }) => add ?? []),
  );
  if (added === text || roundsLeft === 0) return { text, problems };
  return extend(added, await check(toValue(parse(added))), check, roundsLeft - 1);
}

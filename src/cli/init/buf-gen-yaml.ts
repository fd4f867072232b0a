import { mapImportsOption } from "../../core/import-options.js";
import type { ConfigProblem } from "./config-problem.js";
import { checkInputs, inputsText } from "./inputs.js";
import type { Layout } from "./layout.js";
import { checkOwnImports } from "./own-imports.js";
import { type PluginEntry, type PluginName, pluginEntries } from "./plugin-entry.js";
import { addItem, addMember, scalar } from "./yaml-edit.js";

/** The buf.gen.yaml of a new project. */
export function bufGenYaml(layout: Layout): string {
  return `version: v2
${inputsText(layout)}
plugins:
  # Messages and their schemas: *_pb.ts
${entryText("protoc-gen-es")}
  # A class for each task type: *_task.ts
${entryText("protoc-gen-taskledger")}
`;
}

interface Entry {
  readonly local: PluginName;
  readonly out: string;
  readonly strategy?: "all";
  readonly opt: readonly string[];
}

/** The entry of a plugin, with the same shared options as the entry of the other plugin, if that exists. */
function newEntry(local: PluginName, other?: PluginEntry): Entry {
  const { out = "src/gen", options } = other ?? { options: usualOptions };
  const agreed = sharedOptions.flatMap((key) => (options[key] === undefined ? [] : [`${key}=${options[key]}`]));
  const strategy = local === "protoc-gen-taskledger" ? ({ strategy: "all" } as const) : {};
  return { local, out, ...strategy, opt: [...agreed, mapImportsOption] };
}

function entryText(name: PluginName, other?: PluginEntry): string {
  const { local, out, strategy, opt } = newEntry(name, other);
  return [
    `  - local: ${local}`,
    `    out: ${scalar(out)}`,
    ...(strategy ? ["    # It must see all files; without this, buf runs it once for each folder."] : []),
    ...(strategy ? [`    strategy: ${strategy}`] : []),
    "    opt:",
    ...opt.map((option) => `      - ${scalar(option)}`),
  ].join("\n");
}

const usualOptions: PluginEntry["options"] = { target: "ts", import_extension: "js" };

/** Options that must be the same for both plugins, since the classes import the messages from the same folder. */
const sharedOptions = ["target", "import_extension", "js_import_style"] as const;

/** What a buf.gen.yaml lacks. */
export async function checkBufGenYaml(
  value: unknown,
  layout: Layout,
  project: string,
): Promise<readonly ConfigProblem[]> {
  const plugins = pluginEntries(value);
  const es = plugins.find(({ name }) => name === "protoc-gen-es");
  const own = plugins.find(({ name }) => name === "protoc-gen-taskledger");
  return [
    ...checkInputs(value, layout, project),
    ...(es ? await checkOwnImports(es, project) : missingPlugin("protoc-gen-es", own)),
    ...(own
      ? [...(await checkOwnImports(own, project)), ...checkStrategy(own)]
      : missingPlugin("protoc-gen-taskledger", es)),
    ...(es && own ? checkAgreement(es, own) : []),
  ];
}

function missingPlugin(name: PluginName, other: PluginEntry | undefined): readonly ConfigProblem[] {
  return [
    {
      code: "MISSING_PLUGIN",
      text: `buf.gen.yaml does not run ${name}`,
      advice: `Add to plugins:\n\n${entryText(name, other)}`,
      add: (document) => addItem(document, ["plugins"], newEntry(name, other)),
    },
  ];
}

function checkStrategy({ name, index, strategy }: PluginEntry): readonly ConfigProblem[] {
  if (strategy === "all") return [];
  return [
    {
      code: "MISSING_STRATEGY",
      text: `buf.gen.yaml: ${name} is run once for each folder, and does not see the files of the others`,
      advice: `${strategy === undefined ? "Add to" : "Write in"} ${name}:\n\n    strategy: all`,
      add: (document) => addMember(document, ["plugins", index], "strategy", "all"),
    },
  ];
}

/** Only the user knows which of the two is right, so nothing is added. */
function checkAgreement(es: PluginEntry, own: PluginEntry): readonly ConfigProblem[] {
  const pairs = [["out", es.out, own.out], ...sharedOptions.map((key) => [key, es.options[key], own.options[key]])];
  return pairs
    .filter(([, first, second]) => first !== second)
    .map(([key, first = "none", second = "none"]) => ({
      code: "DIFFERENT_OPTIONS",
      text: `buf.gen.yaml: the plugins differ in ${key}: protoc-gen-es has ${first}, protoc-gen-taskledger has ${second}`,
      advice: `Give both the same ${key}: the classes import the messages from the same folder.`,
    }));
}

import { isMapped, mapImportsOption, ownProtos } from "../../import-options.js";
import type { Problem } from "../command-error.js";
import { checkBufVersion } from "./buf-version.js";
import { clean, isWithin, type Layout } from "./layout.js";
import { type PluginEntry, type PluginName, pluginEntries } from "./plugin-entry.js";
import { items, member } from "./yaml-file.js";

/** The buf.gen.yaml of a new project. */
export function bufGenYaml(layout: Layout): string {
  return `version: v2
${inputs(layout)}
plugins:
  # Messages and their schemas: *_pb.ts
${entry("protoc-gen-es")}
  # A class for each task type: *_task.ts
${entry("protoc-gen-taskledger")}
`;
}

function inputs({ own, vendored }: Layout): string {
  const lines = own.flatMap((folder) => [
    `  - directory: ${folder}`,
    // buf takes folders inside of a module only.
    ...(isWithin(vendored, folder) ? ["    exclude_paths:", `      - ${vendored}/taskledger`] : []),
  ]);
  return ["inputs:", ...lines].join("\n");
}

/** An entry of the list of plugins, which agrees with that of the other plugin, if there is one. */
function entry(name: PluginName, other?: PluginEntry): string {
  const { out = "src/gen", options } = other ?? { options: { target: "ts", import_extension: "js" } };
  const agreed = sharedOptions.flatMap((key) => (options[key] === undefined ? [] : [`${key}=${options[key]}`]));
  return [
    `  - local: ${name}`,
    `    out: ${out}`,
    ...(name === "protoc-gen-taskledger"
      ? ["    # It has to see all files; without this, buf runs it once a folder."]
      : []),
    ...(name === "protoc-gen-taskledger" ? ["    strategy: all"] : []),
    "    opt:",
    ...[...agreed, mapImportsOption].map((option) => `      - ${option}`),
  ].join("\n");
}

/** Options on which the two plugins have to agree, since the classes import the messages from beside them. */
const sharedOptions = ["target", "import_extension"] as const;

/** What a buf.gen.yaml lacks. */
export function checkBufGenYaml(value: unknown, layout: Layout): readonly Problem[] {
  const outdated = checkBufVersion("buf.gen.yaml", value);
  if (outdated.length > 0) return outdated;
  const plugins = pluginEntries(value);
  const es = plugins.find(({ name }) => name === "protoc-gen-es");
  const own = plugins.find(({ name }) => name === "protoc-gen-taskledger");
  return [
    ...checkInputs(value, layout),
    ...(es ? checkImports(es) : missingPlugin("protoc-gen-es", own)),
    ...(own ? [...checkImports(own), ...checkStrategy(own)] : missingPlugin("protoc-gen-taskledger", es)),
    ...(es && own ? checkAgreement(es, own) : []),
  ];
}

/** Without inputs, or with the whole folder as one, buf also generates the code of our .proto files. */
function checkInputs(value: unknown, layout: Layout): readonly Problem[] {
  const declared = items(member(value, "inputs"));
  if (declared.length > 0 && !declared.some((input) => isWide(input, layout))) return [];
  const text = "buf.gen.yaml generates code for taskledger's own .proto files, which the package has already";
  const verb = declared.length > 0 ? "Replace the inputs" : "Add";
  return [{ code: "WIDE_INPUTS", text, advice: `${verb}:\n\n${inputs(layout)}` }];
}

function isWide(input: unknown, { vendored }: Layout): boolean {
  const directory = member(input, "directory");
  if (directory === undefined || member(input, "paths") !== undefined) return false;
  const excluded = items(member(input, "exclude_paths")).map(clean);
  const isExcluded = excluded.some((path) => path !== vendored && isWithin(path, vendored));
  return isWithin(vendored, clean(directory)) && !isExcluded;
}

function missingPlugin(name: PluginName, other: PluginEntry | undefined): readonly Problem[] {
  const advice = `Add to plugins:\n\n${entry(name, other)}`;
  return [{ code: "MISSING_PLUGIN", text: `buf.gen.yaml does not run ${name}`, advice }];
}

function checkImports(plugin: PluginEntry): readonly Problem[] {
  // The one file that everybody imports.
  if (isMapped(`${ownProtos}options.proto`, plugin)) return [];
  const text = `buf.gen.yaml: ${plugin.name} has no map_imports for ${ownProtos}, whose generated code is in the package`;
  const advice = `Add to the options of ${plugin.name}:\n\n    opt:\n      - ${mapImportsOption}`;
  return [{ code: "MISSING_MAP_IMPORTS", text, advice }];
}

function checkStrategy({ name, strategy }: PluginEntry): readonly Problem[] {
  if (strategy === "all") return [];
  const text = `buf.gen.yaml: ${name} is run once for each folder, and does not see the files of the others`;
  return [{ code: "MISSING_STRATEGY", text, advice: `Add to ${name}:\n\n    strategy: all` }];
}

function checkAgreement(es: PluginEntry, own: PluginEntry): readonly Problem[] {
  const pairs = [["out", es.out, own.out], ...sharedOptions.map((key) => [key, es.options[key], own.options[key]])];
  return pairs
    .filter(([, first, second]) => first !== second)
    .map(([key, first = "none", second = "none"]) => ({
      code: "DIFFERENT_OPTIONS",
      text: `buf.gen.yaml: the plugins differ in ${key}: protoc-gen-es has ${first}, protoc-gen-taskledger has ${second}`,
      advice: `Give both the same ${key}: the classes import the messages from beside them.`,
    }));
}

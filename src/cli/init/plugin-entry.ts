import { type ImportPatterns, isMapped, ownProtos } from "../../core/import-options.js";
import { items, member, strings } from "./yaml-file.js";

export type PluginName = "protoc-gen-es" | "protoc-gen-taskledger";

/** One of the two plugins as a buf.gen.yaml runs it. */
export interface PluginEntry {
  readonly name: PluginName;
  /** Its place in the list of plugins. */
  readonly index: number;
  /** The version of a remote plugin, which runs at buf.build; undefined for an installed one. */
  readonly remoteVersion: string | undefined;
  readonly out: string | undefined;
  readonly strategy: string | undefined;
  /** The options, by name. If one is given more than once, the last counts. */
  readonly options: { readonly [name: string]: string | undefined };
  /** From where the generated code of our .proto files is imported, if an option sets this. */
  readonly ownImports: string | undefined;
}

/** The entries of a buf.gen.yaml that run one of the two plugins. */
export function pluginEntries(bufGenYaml: unknown): readonly PluginEntry[] {
  return items(member(bufGenYaml, "plugins")).flatMap((plugin, index) => {
    const name = pluginName(plugin);
    return name === undefined ? [] : [readEntry(name, plugin, index)];
  });
}

/** A plugin is named, run by a path or by another program, as in `[npx, protoc-gen-es]`, or run at buf.build. */
function pluginName(plugin: unknown): PluginName | undefined {
  const programs = strings(member(plugin, "local")).map((word) => /([^/\\]+?)(?:\.\w+)?$/.exec(word)?.[1]);
  if (programs.includes("protoc-gen-taskledger")) return "protoc-gen-taskledger";
  return programs.includes("protoc-gen-es") || remoteEs(plugin) ? "protoc-gen-es" : undefined;
}

/** `buf.build/bufbuild/es:v2.17.0` */
function remoteEs(plugin: unknown): RegExpExecArray | null {
  return /(?:^|\/)bufbuild\/es(?::v?(.*))?$/.exec(String(member(plugin, "remote")));
}

function readEntry(name: PluginName, plugin: unknown, index: number): PluginEntry {
  const options = strings(member(plugin, "opt"))
    .flatMap((option) => option.split(","))
    .map((option) => option.split(/=(.*)/s) as [string, string?]);
  const remote = remoteEs(plugin);
  return {
    name,
    index,
    remoteVersion: remote === null ? undefined : (remote[1] ?? "latest"),
    out: strings(member(plugin, "out"))[0],
    strategy: strings(member(plugin, "strategy"))[0],
    options: Object.fromEntries(options.map(([key, value = ""]) => [key, value])),
    ownImports: ownImports(options),
  };
}

/** The target of the first `PATTERN:TARGET` that matches options.proto, the file that every task type imports. */
function ownImports(options: readonly (readonly [string, string?])[]): string | undefined {
  const targets = (key: string, patterns: (pattern: string) => ImportPatterns) =>
    options
      .filter(([each]) => each === key)
      .map(([, value = ""]) => value.split(/:(.*)/s) as [string, string?])
      .filter(([pattern]) => isMapped(`${ownProtos}options.proto`, patterns(pattern)))
      .map(([, target = ""]) => target.replace(/\/$/, ""));
  return [
    ...targets("map_imports", (pattern) => ({ mapImports: [pattern], rewriteImports: [] })),
    ...targets("rewrite_imports", (pattern) => ({ mapImports: [], rewriteImports: [pattern] })),
  ][0];
}

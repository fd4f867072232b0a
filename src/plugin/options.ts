/** The plugin's own option, beside those of the framework. */
export interface PluginOptions {
  /** Whether task types get a codec, in a module of its own. */
  readonly codec: boolean;
}

/**
 * Reads our own options, and refuses all others that the framework does not know. The framework's error names the option;
 * the reason given here lists the valid ones.
 */
export function parseOptions(rest: readonly { key: string; value: string }[]): PluginOptions {
  let codec = true;
  for (const { key, value } of rest) {
    if (key !== "codec") throw unknownOption();
    if (value !== "on" && value !== "off") throw new Error('the option codec is "on" or "off"');
    codec = value === "on";
  }
  return { codec };
}

function unknownOption(): Error {
  return new Error(
    "protoc-gen-taskledger takes codec, target, import_extension, map_imports, rewrite_imports, js_import_style," +
      " ts_nocheck, keep_empty_files and elide_plugin_version; options for protoc-gen-es alone belong to that plugin",
  );
}

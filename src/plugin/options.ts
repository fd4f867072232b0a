/**
 * Refuses every plugin option that the framework leaves over: we have none of our own. The framework names the options
 * in its error; this reason says what could be meant.
 */
export function parseOptions(rest: readonly { key: string; value: string }[]): object {
  if (rest.length > 0) {
    throw new Error(
      "protoc-gen-taskledger takes target, import_extension, map_imports, rewrite_imports, js_import_style, ts_nocheck," +
        " keep_empty_files and elide_plugin_version; options for protoc-gen-es alone belong to that plugin",
    );
  }
  return {};
}

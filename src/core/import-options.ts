/** Our .proto files; their generated code is part of this package. */
export const ownProtos = "taskledger/v1/";

/** The plugin option with which generated code imports that of our .proto files from this package. */
export const mapImportsOption = `map_imports=${ownProtos}:taskledger/gen`;

/** The patterns of the plugin options map_imports and rewrite_imports. */
export interface ImportPatterns {
  readonly mapImports: readonly string[];
  readonly rewriteImports: readonly string[];
}

/** Whether these options say where to import the generated code of a .proto file from. */
export function isMapped(protoFile: string, { mapImports, rewriteImports }: ImportPatterns): boolean {
  const generated = `./${protoFile.replace(/\.proto$/, "_pb.js")}`;
  return (
    mapImports.some((pattern) => globToRegExp(pattern).test(protoFile)) ||
    rewriteImports.some((pattern) => globToRegExp(pattern).test(generated))
  );
}

/** The patterns of map_imports, which are a superset of those of rewrite_imports, as protoplugin matches them. */
function globToRegExp(glob: string): RegExp {
  const wildcards: Record<string, string> = { "**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "/": "/.*" };
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*\*\/|\*\*|\*|\/$/g, (wildcard) => wildcards[wildcard] ?? "")}$`);
}

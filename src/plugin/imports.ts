import type { DescFile } from "@bufbuild/protobuf";
import type { Schema } from "@bufbuild/protoplugin";
import type { Problems } from "./problems.js";

const ours = "taskledger/v1/";

/**
 * Refuses imports of our .proto files whose generated code nobody would find. We do not import it ourselves, but the
 * `_pb` modules do, and fail to compile without a word about the reason.
 */
export function checkImports(schema: Schema, problems: Problems): void {
  for (const file of schema.files) {
    const lost = file.dependencies.find((dependency) => isOurs(dependency) && !isFound(schema, dependency));
    if (lost !== undefined) {
      problems.errors.push(explain(file, lost));
      // The cure is the same for every file.
      return;
    }
  }
}

function isOurs(file: DescFile): boolean {
  return file.proto.name.startsWith(ours);
}

function isFound({ files, options }: Schema, dependency: DescFile): boolean {
  return (
    files.includes(dependency) ||
    options.mapImports.some(({ pattern }) => globToRegExp(pattern).test(dependency.proto.name)) ||
    options.rewriteImports.some(({ pattern }) => globToRegExp(pattern).test(`./${dependency.name}_pb.js`))
  );
}

/** The patterns of map_imports, which are a superset of those of rewrite_imports, as protoplugin matches them. */
function globToRegExp(glob: string): RegExp {
  const wildcards: Record<string, string> = { "**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "/": "/.*" };
  const escaped = glob.replace(/[.+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replace(/\*\*\/|\*\*|\*|\/$/g, (wildcard) => wildcards[wildcard] ?? "")}$`);
}

function explain(file: DescFile, dependency: DescFile): string {
  return `${file.proto.name}: the generated code of the import "${dependency.proto.name}" is part of the package taskledger.
In buf.gen.yaml, add to the options of protoc-gen-es (2.17 or later) and of protoc-gen-taskledger:

    opt:
      - map_imports=${ours}:taskledger/gen

If you generate ${ours} yourself, along with the rest, let protoc-gen-taskledger see all files at once:

    strategy: all
`;
}

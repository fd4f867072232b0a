import type { DescFile } from "@bufbuild/protobuf";
import type { Schema } from "@bufbuild/protoplugin";
import { isMapped, mapImportsOption, ownProtos } from "../core/import-options.js";
import type { Problems } from "./problems.js";

/**
 * Refuses imports of our .proto files whose generated code would not be found. Our classes do not import it, but the
 * `_pb` modules do, and the compiler's error would not tell the reason.
 */
export function checkImports(schema: Schema, problems: Problems): void {
  for (const file of schema.files) {
    const lost = file.dependencies.find((dependency) => isOurs(dependency) && !isFound(schema, dependency));
    if (lost !== undefined) {
      problems.errors.push(explain(file, lost));
      // The fix is the same for every file.
      return;
    }
  }
}

function isOurs(file: DescFile): boolean {
  return file.proto.name.startsWith(ownProtos);
}

function isFound({ files, options }: Schema, dependency: DescFile): boolean {
  const patterns = {
    mapImports: options.mapImports.map(({ pattern }) => pattern),
    rewriteImports: options.rewriteImports.map(({ pattern }) => pattern),
  };
  return files.includes(dependency) || isMapped(dependency.proto.name, patterns);
}

function explain(file: DescFile, dependency: DescFile): string {
  return `${file.proto.name}: the generated code of the import "${dependency.proto.name}" is part of the package taskledger.
In buf.gen.yaml, add to the options of protoc-gen-es (2.17 or later) and of protoc-gen-taskledger:

    opt:
      - ${mapImportsOption}

If you generate ${ownProtos} yourself, with your own files, let protoc-gen-taskledger see all files at once:

    strategy: all
`;
}

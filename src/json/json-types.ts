import { createRegistry, type DescFile, type DescMessage, type Registry } from "@bufbuild/protobuf";

/** The types that JSON of a message may name: those of its file and of the files that one imports. */
export interface JsonTypes {
  readonly all: Registry;
  /** For writing: readers of the JSON may not know the extensions. */
  readonly withoutExtensions: Registry;
}

const known = new WeakMap<DescMessage, JsonTypes>();

export function jsonTypesOf(schema: DescMessage): JsonTypes {
  let types = known.get(schema);
  if (types === undefined) {
    const all = createRegistry(schema, ...filesOf(schema.file, new Set()));
    const withoutExtensions = createRegistry(...[...all].filter(({ kind }) => kind !== "extension"));
    types = { all, withoutExtensions };
    known.set(schema, types);
  }
  return types;
}

function filesOf(file: DescFile, found: Set<DescFile>): Set<DescFile> {
  if (!found.has(file)) {
    found.add(file);
    for (const imported of file.dependencies) filesOf(imported, found);
  }
  return found;
}

import type { DescEnum, DescExtension, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import { nestedTypes } from "@bufbuild/protobuf/reflect";
import { type GeneratedFile, type ImportSymbol, safeIdentifier } from "@bufbuild/protoplugin";

// The names of messages in the code of protoc-gen-es. protoplugin can tell them, but computes those of all types in a file
// for each one. Here it is asked only if two types of a file would have the same name.

/** A message's type. */
export function importShape(f: GeneratedFile, message: DescMessage): ImportSymbol {
  return importName(f, message, shapeName(message), () => f.importShape(message)).toTypeOnly();
}

/** A message's schema. */
export function importSchema(f: GeneratedFile, message: DescMessage): ImportSymbol {
  return importName(f, message, schemaName(message), () => f.importSchema(message));
}

function importName(f: GeneratedFile, { file }: DescMessage, name: string, ask: () => ImportSymbol): ImportSymbol {
  const { path, names } = modules.get(file) ?? readModule(f, file);
  return names.get(name) === 1 ? f.import(name, path) : ask();
}

/** The module of a file, and how many of its types would have each name. */
interface Module {
  readonly path: string;
  readonly names: ReadonlyMap<string, number>;
}

const modules = new WeakMap<DescFile, Module>();

function readModule(f: GeneratedFile, file: DescFile): Module {
  const names = new Map<string, number>();
  for (const desc of [file, ...nestedTypes(file)])
    for (const name of namesOf(desc)) names.set(name, 1 + (names.get(name) ?? 0));
  const module = { path: f.importSchema(file).from, names };
  modules.set(file, module);
  return module;
}

type Type = DescMessage | DescEnum | DescExtension | DescService;

/** The names that protoc-gen-es gives a type, or a file, unless something else has them. */
function namesOf(desc: DescFile | Type): string[] {
  if (desc.kind === "file") return [safeIdentifier(`file_${desc.name.replace(/[^a-zA-Z0-9_]+/g, "_")}`)];
  return desc.kind === "message" || desc.kind === "enum" ? [shapeName(desc), schemaName(desc)] : [shapeName(desc)];
}

function shapeName(desc: Type): string {
  return safeIdentifier(nameInFile(desc));
}

function schemaName(desc: Type): string {
  return safeIdentifier(`${nameInFile(desc)}Schema`);
}

/** A type's name without its package, with its parents' names before it. */
export function nameInFile({ typeName, file }: Type): string {
  const { package: outer } = file.proto;
  return (outer === "" ? typeName : typeName.slice(outer.length + 1)).replaceAll(".", "_");
}

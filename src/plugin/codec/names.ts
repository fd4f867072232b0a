import type { DescField, DescFile, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, ImportSymbol } from "@bufbuild/protoplugin";
import { importShape } from "../symbols.js";
import { type CodecPlan, isShared } from "./plan.js";

/** The package's module that codecs import. */
const WIRE = "taskledger/wire";

/** The names of the functions and types that the codec module of a file uses; those of other modules are imported. */
export class CodecNames {
  readonly #f: GeneratedFile;
  readonly #file: DescFile;
  readonly #plan: CodecPlan;

  constructor(f: GeneratedFile, file: DescFile, plan: CodecPlan) {
    this.#f = f;
    this.#file = file;
    this.#plan = plan;
  }

  /** A function of this module. */
  local(verb: "create" | "read" | "write", message: DescMessage): string {
    return this.#isForeign(message)
      ? `${verb}$${message.typeName.replaceAll(".", "$")}`
      : `${verb}${importShape(this.#f, message).name}`;
  }

  /** That function, imported if it is in another module. */
  function(verb: "create" | "read" | "write", message: DescMessage): ImportSymbol | string {
    const { file } = message;
    if (isShared(message)) return this.wire(`${verb}${message.name}`);
    if (file === this.#file || this.#isForeign(message)) return this.local(verb, message);
    return this.#f.import(this.local(verb, message), `./${file.name}_codec.js`);
  }

  /** The function that reads an entry of a map. */
  entryReader(field: DescField): string {
    return `${this.local("read", field.parent)}$$${field.localName}`;
  }

  wire(name: string, typeOnly = false): ImportSymbol {
    return this.#f.import(name, WIRE, typeOnly);
  }

  #isForeign({ file }: DescMessage): boolean {
    return !this.#plan.modules.has(file);
  }
}

/** The name of a task type's codec. It differs from the names of all functions, also if a message is named like one. */
export function codecName(f: GeneratedFile, message: DescMessage): string {
  const { name } = importShape(f, message);
  return /^(create|read|write)/.test(name) ? `${name}$Codec` : `${name}Codec`;
}

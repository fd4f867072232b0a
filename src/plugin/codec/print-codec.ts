import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { GeneratedFile, Printable, Schema, Target } from "@bufbuild/protoplugin";
import { importShape } from "../symbols.js";
import { CodecNames, codecName } from "./names.js";
import type { CodecPlan } from "./plan.js";
import { entryFields, printCreator, printEntryReader, printReader } from "./print-reader.js";
import { printWriter } from "./print-writer.js";

/** Prints the module with the codecs of a file's task types and of the messages that they contain. */
export function printCodecFile(schema: Schema, target: Target, file: DescFile, plan: CodecPlan): void {
  // It stays empty if there are none, and the framework drops it unless keep_empty_files is set.
  const f = schema.generateFile(`${file.name}_codec.${target === "dts" ? "d.ts" : target}`);
  f.preamble(file);
  const names = new CodecNames(f, file, plan);
  for (const message of plan.modules.get(file) ?? []) {
    if (plan.tasks.has(message)) printCodec(f, message, names, target);
    printFunctions(f, message, names, target);
  }
}

function printCodec(f: GeneratedFile, message: DescMessage, names: CodecNames, target: Target): void {
  const name = codecName(f, message);
  const type = [names.wire("MessageCodec", true), "<", importShape(f, message), ">"];
  f.print("/** Encodes and decodes ", message.typeName, ", as protobuf-es does. */");
  if (target === "dts") {
    f.print(f.export("declare const", name), ": ", ...type, ";");
  } else {
    const annotation = target === "ts" ? [": ", ...type] : [];
    f.print(f.export("const", name), ...annotation, " = {");
    f.print("  typeName: ", f.string(message.typeName), ",");
    f.print("  create: ", names.local("create", message), ",");
    f.print("  write: ", names.local("write", message), ",");
    f.print("  read: ", names.local("read", message), ",");
    f.print("};");
  }
  f.print();
}

function printFunctions(f: GeneratedFile, message: DescMessage, names: CodecNames, target: Target): void {
  const shape = importShape(f, message);
  const reader = { name: "r", type: names.wire("Reader", true) };
  const writer = { name: "w", type: names.wire("Writer", true) };
  const position = { name: "p", type: "number" };
  const end = { name: "end", type: "number" };
  const print = functionPrinter(f, target);
  print(names.local("create", message), [], shape, () => printCreator(f, message));
  print(names.local("write", message), [writer, position, { name: "m", type: shape }], "number", () =>
    printWriter(f, message, names),
  );
  const into = { name: "m", type: shape, otherwise: `${names.local("create", message)}()` };
  print(names.local("read", message), [reader, end, into], shape, () => printReader(f, message, names));
  if (target !== "dts") for (const field of entryFields(message)) printEntryReader(f, field, names, target);
}

interface Parameter {
  readonly name: string;
  readonly type: Printable;
  /** Its default value. */
  readonly otherwise?: string;
}

/** Exported functions in the syntax of a target: JavaScript has no types, declarations have nothing but types. */
function functionPrinter(f: GeneratedFile, target: Target) {
  const typed = (name: string, type: Printable) => (target === "js" ? [name] : [name, ": ", type]);
  return (name: string, parameters: readonly Parameter[], result: Printable, printBody: () => void): void => {
    const parameter = ({ name, type, otherwise }: Parameter) => {
      if (otherwise === undefined) return typed(name, type);
      return target === "dts" ? typed(`${name}?`, type) : [...typed(name, type), ` = ${otherwise}`];
    };
    const list = parameters.flatMap((each, i) => [i > 0 ? ", " : "", ...parameter(each)]);
    const head = [
      f.export(target === "dts" ? "declare function" : "function", name),
      "(",
      ...list,
      ...typed(")", result),
    ];
    f.print(...head, target === "dts" ? ";" : " {");
    if (target !== "dts") {
      printBody();
      f.print("}");
    }
    f.print();
  };
}

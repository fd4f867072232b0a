import { type GeneratedFile, getComments, type Printable, type Target } from "@bufbuild/protoplugin";
import { codecName } from "./codec/names.js";
import type { Member } from "./names.js";
import { importSchema, importShape } from "./symbols.js";
import type { TaskType } from "./task-type.js";

/** Prints the class of a task type, with its codec if it has one. */
export function printClass(f: GeneratedFile, type: TaskType, target: Target, hasCodec: boolean): void {
  const { desc, className, listField, idField } = type;
  const print = memberPrinter(f, target);
  const typeName = f.string(desc.typeName);

  f.print(f.jsDoc(desc));
  f.print(...classHead(f, type, target), " {");
  print.constant("schema", ["typeof ", importSchema(f, desc).toTypeOnly()], importSchema(f, desc));
  print.constant("type", typeName, typeName);
  if (hasCodec) {
    const codec = f.import(codecName(f, desc), `./${desc.file.name}_codec.js`);
    print.constant("codec", ["typeof ", target === "dts" ? codec.toTypeOnly() : codec], codec);
  }
  if (listField !== undefined) {
    print.constant("listField", f.string(listField.localName), f.string(listField.localName));
  }
  if (idField !== undefined) {
    print.constant("idField", f.string(idField.localName), f.string(idField.localName));
  }
  f.print();
  print.getter("type", typeName, `${className}.type`, true);
  for (const [name, member] of type.accessors) {
    const { localName } = member;
    f.print();
    if (hasComment(member)) f.print(f.jsDoc(member, "  "));
    print.getter(name, [importShape(f, desc), "[", f.string(localName), "]"], `this.data.${localName}`);
  }
  f.print("}");
  f.print();
}

/** Whether there is more to say of a member than what it is generated from, which its property of the message says. */
function hasComment(member: Member): boolean {
  const { leading, trailing } = getComments(member);
  return leading !== undefined || trailing !== undefined || member.deprecated;
}

function classHead(f: GeneratedFile, { desc, className, listField }: TaskType, target: Target): Printable[] {
  const head = [
    f.export(target === "dts" ? "declare class" : "class", className),
    " extends ",
    f.import("Task", "taskledger"),
  ];
  if (target === "js") {
    return head;
  }
  const listArgument = listField === undefined ? [] : [", ", f.string(listField.localName)];
  return [...head, "<typeof ", importSchema(f, desc).toTypeOnly(), ...listArgument, ">"];
}

/** The members of a class in the syntax of a target: JavaScript has no types, declarations have nothing but types. */
function memberPrinter(f: GeneratedFile, target: Target) {
  const typed = (type: Printable) => (target === "js" ? [] : [": ", type]);
  return {
    constant(name: string, type: Printable, value: Printable): void {
      const modifiers = target === "js" ? "static" : "static readonly";
      f.print("  ", modifiers, " ", name, ...typed(type), ...(target === "dts" ? [] : [" = ", value]), ";");
    },
    getter(name: string, type: Printable, value: Printable, isOverride = false): void {
      const modifier = isOverride && target === "ts" ? "override " : "";
      const body = target === "dts" ? [";"] : [" { return ", value, "; }"];
      f.print("  ", modifier, "get ", name, "()", ...typed(type), ...body);
    },
  };
}

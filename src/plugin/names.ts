import type { DescField, DescMessage, DescOneof } from "@bufbuild/protobuf";
import { safeIdentifier } from "@bufbuild/protoplugin";
import { objectMembers, reservedTaskMembers } from "../core/reserved.js";
import type { Problems } from "./problems.js";
import { nameInFile } from "./symbols.js";
import { optionString } from "./task-option.js";

/** A oneof, or a field outside of one: what is one property of protobuf-es's messages. */
export type Member = DescField | DescOneof;

/** Further words that no class may have as its name; protoplugin's `safeIdentifier` does not know them. */
const furtherReservedWords = new Set(["any", "arguments", "await", "eval", "never", "symbol", "undefined", "unknown"]);

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

const takenMembers = new Set<string>([...reservedTaskMembers, ...objectMembers]);

/** The message's name after its parents' names, as in protoc-gen-es, followed by `Task`. */
export function defaultClassName(desc: DescMessage): string {
  return `${nameInFile(desc)}Task`;
}

/** Accepts names that a class can have and that no other class of the file has. */
export function checkClassName(
  { desc, className }: { desc: DescMessage; className: string },
  others: readonly { desc: DescMessage; className: string }[],
  problems: Problems,
): void {
  if (!isClassName(className)) {
    problems.error(
      desc,
      `${optionString("class_name", className)}: a class cannot have this name; write an identifier that is not a` +
        ` reserved word, or remove class_name for the name "${defaultClassName(desc)}"`,
    );
  }
  const other = others.find((type) => type.className === className);
  if (other !== undefined) {
    problems.error(
      desc,
      `the class would be named "${className}", like that of message ${other.desc.typeName} in the same file; give one` +
        " of them another name with option (taskledger.v1.task).class_name",
    );
  }
}

function isClassName(name: string): boolean {
  return identifier.test(name) && safeIdentifier(name) === name && !furtherReservedWords.has(name);
}

/**
 * The members of a message by the names of their accessors: protobuf-es's names, followed by `$` if every task has a member
 * of that name. This cannot collide with another member, since names in .proto files have no `$`.
 */
export function accessorNames(desc: DescMessage, problems: Problems): Map<string, Member> {
  const names = new Map<string, Member>();
  for (const member of desc.members) {
    const { localName } = member;
    const name = takenMembers.has(localName) ? `${localName}$` : localName;
    checkMember(desc, member, names.get(name), problems);
    names.set(name, member);
  }
  return names;
}

/** Refuses names for which protoc-gen-es would generate code that does not compile. */
function checkMember(desc: DescMessage, member: Member, other: Member | undefined, problems: Problems): void {
  if (!identifier.test(member.localName)) {
    problems.error(desc, `no property can be named after ${describe(member)}; rename it`);
  } else if (other !== undefined) {
    const both = `${describe(other)} and ${describe(member)}`;
    problems.error(desc, `${both} would both be the property "${member.localName}"; rename one of them`);
  }
}

function describe(member: Member): string {
  return `the ${member.kind} "${member.name}"`;
}

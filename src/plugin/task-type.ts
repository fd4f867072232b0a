import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { accessorNames, checkClassName, defaultClassName, type Member } from "./names.js";
import type { Problems } from "./problems.js";
import { isKeyField, type KeyOption, optionString, readKeyField, readTaskOption } from "./task-option.js";

/** A message that is a task type, with everything that its class needs. */
export interface TaskType {
  readonly desc: DescMessage;
  readonly className: string;
  readonly listField: DescField | undefined;
  readonly idField: DescField | undefined;
  readonly accessors: ReadonlyMap<string, Member>;
}

/** The task types of one file, from its messages that are marked as such. */
export function readTaskTypes(messages: readonly DescMessage[], problems: Problems): TaskType[] {
  const types: TaskType[] = [];
  for (const desc of messages) {
    const type = readTaskType(desc, problems);
    if (type === undefined) {
      continue;
    }
    checkClassName(type, types, problems);
    types.push(type);
  }
  return types;
}

function readTaskType(desc: DescMessage, problems: Problems): TaskType | undefined {
  const option = readTaskOption(desc, problems);
  if (option === undefined) {
    return undefined;
  }
  const type = {
    desc,
    className: option.className === "" ? defaultClassName(desc) : option.className,
    listField: readKeyField(desc, "list_field", option.listField, problems),
    idField: readKeyField(desc, "id_field", option.idField, problems),
    accessors: accessorNames(desc, problems),
  };
  checkKeysDiffer(type, problems);
  warnOfAmbiguity(type, "taskList", "list_field", problems);
  warnOfAmbiguity(type, "id", "id_field", problems);
  return type;
}

function checkKeysDiffer({ desc, listField, idField }: TaskType, problems: Problems): void {
  if (idField !== undefined && idField === listField) {
    problems.error(
      desc,
      `${optionString("id_field", idField.name)}: the field is already the list_field, and ids must differ within a` +
        " list; name another field, or remove id_field",
    );
  }
}

/**
 * `build` takes the envelope's `taskList` and `id` and the data's fields in one object. A field with the same name
 * and another meaning would make this ambiguous, so `build` refuses the type.
 */
function warnOfAmbiguity(type: TaskType, name: "taskList" | "id", option: KeyOption, problems: Problems): void {
  const { desc, className, listField, idField } = type;
  const supplier = option === "list_field" ? listField : idField;
  const member = desc.members.find((m) => m.localName === name);
  if (member === undefined || member === supplier) {
    return;
  }
  const isFree = supplier === undefined && member !== listField && member !== idField && isKeyField(member);
  const mark = isFree ? `write ${option}: "${member.name}" if they are the same, or ` : "";
  problems.warn(
    desc,
    `${className}.build() cannot tell the ${member.kind} "${member.name}" from the task's own ${name};` +
      ` ${mark}make tasks with new ${className}({ taskList, id, data })`,
  );
}

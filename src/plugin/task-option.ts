import {
  type DescField,
  type DescFile,
  type DescMessage,
  type DescOneof,
  getOption,
  hasOption,
  ScalarType,
} from "@bufbuild/protobuf";
import { getDeclarationString, type Schema } from "@bufbuild/protoplugin";
import { type TaskOptions, task as taskOption } from "../../gen/taskledger/v1/options_pb.js";
import { packageVersion } from "../core/package-version.js";
import type { Problems } from "./problems.js";

export type KeyOption = "list_field" | "id_field";

/**
 * The messages of each file that are marked as task types. Descriptors tell options apart by number only, and others may
 * use our number for an option of their own, so the option's declaration must be among the input, too. If a file imports it
 * with `import option`, the input may not have the declaration.
 */
export function taskMessages(schema: Schema): Map<DescFile, DescMessage[]> {
  const isDeclared = schema.allFiles.some((file) => file.extensions.some((e) => e.typeName === taskOption.typeName));
  const messagesOf = (file: DescFile) => {
    if (!isDeclared && !file.proto.optionDependency.includes(taskOption.file.proto.name)) return [];
    const messages = Array.from(schema.typesInFile(file)).filter((type) => type.kind === "message");
    return messages.filter((message) => hasOption(message, taskOption));
  };
  return new Map(schema.files.map((file) => [file, messagesOf(file)]));
}

/** The value of a message's task option; undefined, and a problem, if it has unknown fields. */
export function readTaskOption(desc: DescMessage, problems: Problems): TaskOptions | undefined {
  const option = getOption(desc, taskOption);
  const [unknown] = option.$unknown ?? [];
  if (unknown === undefined) {
    return option;
  }
  problems.error(
    desc,
    `option (taskledger.v1.task) sets field number ${unknown.no}, which is not known to protoc-gen-taskledger` +
      ` ${packageVersion}; install the version of taskledger that your taskledger/v1/options.proto comes from`,
  );
  return undefined;
}

/** The field that `list_field` or `id_field` names; undefined if the option is not set, or, with a problem, if it is wrong. */
export function readKeyField(
  desc: DescMessage,
  option: KeyOption,
  name: string,
  problems: Problems,
): DescField | undefined {
  if (name === "") {
    return undefined;
  }
  const field = desc.fields.find((f) => f.name === name);
  if (field !== undefined && isKeyField(field)) {
    return field;
  }
  const reason = field === undefined ? "there is no such field" : whyNoKeyField(field);
  problems.error(desc, `${optionString(option, name)}: ${reason}; ${advice(desc, option, name)}`);
  return undefined;
}

/** How an option of a task type is written, for messages: `option (taskledger.v1.task).id_field = "message_id"`. */
export function optionString(option: KeyOption | "class_name", value: string): string {
  return `option (taskledger.v1.task).${option} = ${JSON.stringify(value)}`;
}

export function isKeyField(member: DescField | DescOneof): boolean {
  return (
    member.kind === "field" &&
    member.fieldKind === "scalar" &&
    member.scalar === ScalarType.STRING &&
    member.oneof === undefined
  );
}

function whyNoKeyField(field: DescField): string {
  return field.oneof === undefined
    ? `the field is not a singular string: "${getDeclarationString(field)}"`
    : `the field belongs to the oneof "${field.oneof.name}", of which another field may be set`;
}

function advice(desc: DescMessage, option: KeyOption, name: string): string {
  const candidates = desc.fields.filter(isKeyField);
  const meant = candidates.find((f) => f.localName === name || f.jsonName === name);
  if (meant !== undefined) {
    return `write ${option}: "${meant.name}", the name that the field has in the .proto file`;
  }
  if (candidates.length > 0) {
    return `write the name of a string field of this message: ${candidates.map((f) => `"${f.name}"`).join(", ")}`;
  }
  return `the message has no string field: add one, or remove ${option} and give the task its key in the program`;
}

import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import type { CodeGeneratorResponse, CodeGeneratorResponse_File } from "@bufbuild/protobuf/wkt";
import { createEcmaScriptPlugin, type Plugin, type Schema, type Target } from "@bufbuild/protoplugin";
import { packageVersion } from "../core/package-version.js";
import { type CodecPlan, planCodecs } from "./codec/plan.js";
import { printCodecFile } from "./codec/print-codec.js";
import { checkImports } from "./imports.js";
import { type PluginOptions, parseOptions } from "./options.js";
import { printClass } from "./print-class.js";
import { Problems } from "./problems.js";
import { taskMessages } from "./task-option.js";
import { readTaskTypes, type TaskType } from "./task-type.js";

const name = "protoc-gen-taskledger";

/**
 * The plugin. It generates two modules for each .proto file with a task type, beside the `_pb` module of protoc-gen-es:
 * the classes, and, unless the option is `codec=off`, the codecs of the task types and of all messages that they contain.
 * `warn` is called with problems that do not prevent generation.
 */
export function createPlugin(warn: (text: string) => void): Plugin {
  const generate = (schema: Schema<PluginOptions>, target: Target) => {
    const problems = new Problems();
    checkImports(schema, problems);
    const marked = Array.from(taskMessages(schema));
    const tasks = new Map(marked.map(([file, messages]) => [file, readTaskTypes(messages, problems)]));
    problems.throwErrors();
    // Targets are generated one after the other, from the same messages.
    if (target === schema.targets[0]) {
      const warnings = marked.some(([, messages]) => messages.length > 0) ? problems.warnings : [nothingMarked(schema)];
      for (const text of warnings) warn(`${name}: warning: ${text}`);
    }
    schema.files.forEach(keepCommentsOnly);
    const codecs = schema.options.codec ? planCodecs(schema.files, messagesOf(tasks.values())) : undefined;
    for (const [file, types] of tasks) {
      printTaskFile(schema, target, file, types, codecs);
      if (codecs) printCodecFile(schema, target, file, codecs);
    }
  };
  const plugin = createEcmaScriptPlugin<PluginOptions>({
    name,
    version: `v${packageVersion}`,
    parseOptions,
    generateTs: generate,
    generateJs: generate,
    generateDts: generate,
  });
  return { ...plugin, run: (request) => withoutChecks(plugin.run(request)) };
}

/** A file with more accessors than this is not checked: that takes as long again as everything else in its schema. */
const MOST_CHECKED_ACCESSORS = 1_000;

/**
 * The declarations of codecs and of accessors have explicit types, and this package's tests check that the code fits them. In a
 * large schema, a compiler would need more time for codecs and accessors than for everything else.
 */
function withoutChecks(response: CodeGeneratorResponse): CodeGeneratorResponse {
  for (const file of response.file)
    if (isLong(file) && !file.content.includes("\n// @ts-nocheck\n"))
      file.content = file.content.replace("/* eslint-disable */\n", "$&// @ts-nocheck\n");
  return response;
}

function isLong({ name: path, content }: CodeGeneratorResponse_File): boolean {
  return (
    path.endsWith("_codec.ts") ||
    (path.endsWith("_task.ts") && content.split("\n  get ").length > MOST_CHECKED_ACCESSORS)
  );
}

/** The warning that no classes are generated. */
function nothingMarked({ files }: Schema): string {
  const [first, ...others] = files.map(({ proto }) => proto.name);
  const where = others.length === 0 ? first : `${first} and ${others.length} other files`;
  return `nothing to generate: no message in ${where} is a task type; mark one, in it

    option (taskledger.v1.task) = {};

and in its file

    import "taskledger/v1/options.proto";

(buf runs the plugin separately for each directory, unless its entry in buf.gen.yaml has strategy: all)`;
}

/** Removes the positions in a file, which are no longer needed: protoplugin searches all of them for each field's comments. */
function keepCommentsOnly({ proto: { sourceCodeInfo } }: DescFile): void {
  if (sourceCodeInfo === undefined) return;
  sourceCodeInfo.location = sourceCodeInfo.location.filter(
    ({ leadingComments, trailingComments, leadingDetachedComments }) =>
      leadingComments !== "" || trailingComments !== "" || leadingDetachedComments.length > 0,
  );
}

function messagesOf(types: Iterable<readonly TaskType[]>): DescMessage[] {
  return [...types].flat().map(({ desc }) => desc);
}

function printTaskFile(
  schema: Schema,
  target: Target,
  file: DescFile,
  types: readonly TaskType[],
  codecs: CodecPlan | undefined,
): void {
  // A file without a task type stays empty, and the framework drops it unless keep_empty_files is set.
  const f = schema.generateFile(`${file.name}_task.${target === "dts" ? "d.ts" : target}`);
  f.preamble(file);
  for (const type of types) {
    printClass(f, type, target, codecs?.tasks.has(type.desc) ?? false);
  }
}

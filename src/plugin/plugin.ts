import type { DescFile, DescMessage } from "@bufbuild/protobuf";
import { createEcmaScriptPlugin, type Plugin, type Schema, type Target } from "@bufbuild/protoplugin";
import { packageVersion } from "../package-version.js";
import { type CodecPlan, planCodecs } from "./codec/plan.js";
import { printCodecFile } from "./codec/print-codec.js";
import { checkImports } from "./imports.js";
import { type PluginOptions, parseOptions } from "./options.js";
import { printClass } from "./print-class.js";
import { Problems } from "./problems.js";
import { hasTaskOption } from "./task-option.js";
import { readTaskTypes, type TaskType } from "./task-type.js";

const name = "protoc-gen-taskledger";

/**
 * The plugin. It generates two modules for each .proto file with a task type, beside the `_pb` module of protoc-gen-es:
 * the classes, and, unless the option says `codec=off`, the codecs of the task types and of all that they reach. `warn` is called with what a user should know although nothing is wrong enough to fail.
 */
export function createPlugin(warn: (text: string) => void): Plugin {
  const generate = (schema: Schema<PluginOptions>, target: Target) => {
    const problems = new Problems();
    checkImports(schema, problems);
    const tasks = new Map(schema.files.map((file) => [file, readTaskTypes(taskMessages(schema, file), problems)]));
    problems.throwErrors();
    // Targets are generated one after the other, from the same messages.
    if (target === schema.targets[0]) {
      problems.warnings.forEach((text) => void warn(`${name}: warning: ${text}`));
    }
    const codecs = schema.options.codec ? planCodecs(schema.files, messagesOf(tasks.values())) : undefined;
    for (const [file, types] of tasks) {
      printTaskFile(schema, target, file, types, codecs);
      if (codecs) printCodecFile(schema, target, file, codecs);
    }
  };
  return createEcmaScriptPlugin<PluginOptions>({
    name,
    version: `v${packageVersion}`,
    parseOptions,
    generateTs: generate,
    generateJs: generate,
    generateDts: generate,
  });
}

function taskMessages(schema: Schema, file: DescFile): DescMessage[] {
  const types = Array.from(schema.typesInFile(file));
  return types.filter((type) => type.kind === "message").filter((message) => hasTaskOption(schema, message));
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

import { resolve } from "node:path";
import type { DescMessage } from "@bufbuild/protobuf";
import { CompositeTask, Task, type TaskClass } from "../../index.js";
import type { FoundConfig } from "../options/config.js";
import { readDescriptorSet } from "./descriptor-set.js";

/**
 * A class for each message that tasks may have for data: of the descriptor sets that are named, and of the config. Of two
 * with one name the first is taken.
 */
export async function loadTaskClasses(
  cwd: string,
  named: readonly string[],
  config: FoundConfig | undefined,
): Promise<TaskClass<Task>[]> {
  const classes = new Map<string, TaskClass<Task>>();
  const add = (taskClass: TaskClass<Task>) => {
    if (!classes.has(taskClass.type)) classes.set(taskClass.type, taskClass);
  };
  const addFile = async (path: string) => {
    for (const type of await readDescriptorSet(path)) if (isData(type)) add(taskClassOf(type));
  };
  for (const path of named) await addFile(resolve(cwd, path));
  for (const type of config?.types ?? [])
    if (typeof type === "string") await addFile(resolve(config?.folder ?? cwd, type));
    else add(type);
  add(CompositeTask as unknown as TaskClass<Task>);
  return [...classes.values()];
}

function isData(type: { readonly kind: string }): type is DescMessage {
  return type.kind === "message" && !(type as DescMessage).proto.options?.mapEntry;
}

/** The class that the plugin would generate, without its accessors. */
function taskClassOf(schema: DescMessage): TaskClass<Task> {
  return class extends Task {
    static readonly schema = schema;
    static readonly type = schema.typeName;
    override get type(): string {
      return schema.typeName;
    }
  };
}

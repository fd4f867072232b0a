import { shorten } from "../describe-value.js";
import { tagOf } from "../values.js";
import { isTask } from "./copies.js";

// What to write instead, for what people give where a task class, or a task, is expected.

/** For what is given for a task class. */
export function adviseOnClass(value: unknown): string {
  if (value === undefined)
    return "; where modules import one another in a circle, a class is undefined until its module has run";
  if (isTask(value)) return `; give its class: ${nameOf((value as object).constructor)}`;
  const typeName = typeNameOfSchema(value);
  if (typeName !== undefined) return `; a schema is no class: give the one that is generated for ${typeName}`;
  return nameOf(value) === "OpaqueTask" ? "; tasks of other types are OpaqueTasks by themselves" : "";
}

function typeNameOfSchema(value: unknown): string | undefined {
  try {
    const { kind, typeName } = Object(value) as { kind?: unknown; typeName?: unknown };
    return kind === "message" && typeof typeName === "string" ? shorten(typeName) : undefined;
  } catch {
    return undefined;
  }
}

/** For what is given for an array of task classes. */
export function adviseOnClasses(value: unknown): string {
  const classes = tagOf(value) === "Module" ? Object.values(value as object) : [value];
  const names = classes.filter((each) => typeof each === "function").map(nameOf);
  return names.length > 0 ? `; an array is written [${names.join(", ")}]` : "";
}

/** For what is given for a task. */
export function adviseOnTask(value: unknown): string {
  if (typeof value === "function") return "; build a task of it first";
  return Array.isArray(value) ? "; saveAll and completeAll take many" : "";
}

/** For what is given for a source of tasks. */
export function adviseOnSource(value: unknown): string {
  if (typeof value === "function") return "; give what it returns, or new TaskGenerator(function)";
  return isTask(value) ? "; for one task there are save and complete" : "";
}

/** The name of a class, or of another function; empty for anything else. */
export function nameOf(value: unknown): string {
  try {
    return typeof value === "function" && typeof value.name === "string" ? shorten(value.name) : "";
  } catch {
    return "";
  }
}

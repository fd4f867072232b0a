import { isTask } from "./copies.js";
import { shorten } from "./describe-value.js";
import { isArray, readOr, tagOf } from "./values.js";

// Advice for common wrong arguments where a task class or a task is expected. Nothing here throws.

/** For a value that is given as a task class. */
export function adviseOnClass(value: unknown): string {
  return readOr("", () => adviceOnClass(value));
}

function adviceOnClass(value: unknown): string {
  if (value === undefined)
    return "; where modules import one another in a circle, a class is undefined until its module has run";
  if (isTask(value)) return `; give its class: ${nameOf((value as object).constructor)}`;
  const { kind, typeName } = Object(value) as { kind?: unknown; typeName?: unknown };
  if (kind === "message" && typeof typeName === "string")
    return `; a schema is no class: give the one that is generated for ${shorten(typeName)}`;
  return nameOf(value) === "OpaqueTask" ? "; tasks of other types are OpaqueTasks by themselves" : "";
}

/** For a value that is given as an array of task classes. */
export function adviseOnClasses(value: unknown): string {
  const classes = tagOf(value) === "Module" ? readOr([], () => Object.values(value as object)) : [value];
  const names = classes.filter((each) => typeof each === "function").map(nameOf);
  return names.length > 0 ? `; an array is written [${names.join(", ")}]` : "";
}

/** For a value that is given as a task. */
export function adviseOnTask(value: unknown): string {
  if (typeof value === "function") return "; build a task of it first";
  return isArray(value) ? "; saveAll and completeAll take many" : "";
}

/** For a value that is given as a source of tasks. */
export function adviseOnSource(value: unknown): string {
  if (typeof value === "function") return "; give what it returns, or new TaskGenerator(function)";
  return isTask(value) ? "; one goes into an array: [task]" : "";
}

/** The name of a class, or of another function; empty for anything else. */
export function nameOf(value: unknown): string {
  if (typeof value !== "function") return "";
  const name: unknown = readOr("", () => value.name);
  return typeof name === "string" ? shorten(name) : "";
}

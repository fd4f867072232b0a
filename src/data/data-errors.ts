import { TaskError } from "../core/errors.js";

/** INVALID_DATA of the field at a path; of the data as a whole where that is empty. */
export function invalidData(path: string, reason: string): TaskError {
  return new TaskError("INVALID_DATA", `${path || "the data"}: ${reason}`, { field: path || "data" });
}

/** The path of a member of what is at a path. */
export function memberPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

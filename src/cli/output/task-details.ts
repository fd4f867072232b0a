import { formatAge } from "../../inspection/age.js";
import { printableLine } from "../../inspection/printable.js";
import type { TaskView } from "../../inspection/task-view.js";
import type { Output } from "../terminal.js";
import type { Format } from "./format.js";
import { jsonText } from "./records.js";
import { claimText } from "./task-columns.js";

/** Prints one task by itself. */
export function printTask(out: Output, task: TaskView, format: Format): void {
  if (format === "table") writeDetails(out, task);
  else out.write(`${jsonText(task, format === "json" ? 2 : undefined)}\n`);
}

/** Writes all fields of a task, a line for each, and its data. */
function writeDetails(out: Output, task: TaskView): void {
  const { taskList, id, type, version, savedAt, createdAt, attempt, headers, bytes, state, reason, unknownFields } =
    task;
  const rows: (readonly [string, string])[] = [
    ["LIST", taskList],
    ["ID", id],
    ["TYPE", type],
    ["VERSION", version ?? "-"],
    ["SAVED", savedAt === undefined ? "-" : `${savedAt} (${formatAge(savedAt)} ago)`],
    ["CREATED", createdAt ?? "-"],
    ["ATTEMPT", String(attempt)],
    ["CLAIM", claimText(task)],
    ...Object.entries(headers).map(([name, value]) => ["HEADER", `${name}: ${value}`] as const),
    ["BYTES", String(bytes)],
    ...(state === "readable" ? [] : [["DATA IS", `${state}: ${reason}`] as const]),
    ...(unknownFields
      ? [["UNKNOWN", `fields that the type does not have here: ${unknownFields.join(", ")}`] as const]
      : []),
  ];
  for (const [name, value] of rows) out.write(`${out.style("bold", name.padEnd(9))} ${printableLine(value)}\n`);
  out.write(`${out.style("bold", "DATA")}\n${jsonText(task.data, 2)}\n`);
}

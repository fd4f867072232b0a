import { formatAge } from "../../inspection/age.js";
import { formatDuration } from "../../inspection/duration.js";
import { dataLine, type TaskView } from "../../inspection/task-view.js";
import type { Column } from "./table.js";

export const taskColumns: readonly Column<TaskView>[] = [
  { name: "ID", value: ({ id }) => id },
  { name: "TYPE", value: typeText, style: ({ state }) => (state === "readable" ? undefined : "yellow") },
  { name: "AGE", value: ({ savedAt }) => formatAge(savedAt) },
  { name: "ATTEMPT", value: ({ attempt }) => String(attempt) },
  { name: "CLAIM", value: claimText },
  { name: "DATA", value: dataLine },
];

/** A type that is not known here, or does not fit the data, is marked. */
function typeText({ type, state }: TaskView): string {
  if (state === "damaged") return "?";
  return state === "opaque" ? `${type} ?` : type;
}

export function claimText({ claim }: TaskView): string {
  if (claim === undefined || claim.state === "free") return "-";
  const left = formatDuration(Date.parse(claim.until ?? "") - Date.now());
  return claim.state === "waiting" ? `waits ${left}` : `${claim.owner} ${left}`;
}

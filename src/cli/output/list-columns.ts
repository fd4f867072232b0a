import { formatAge } from "../../inspection/age.js";
import type { ListView } from "../../inspection/list-view.js";
import type { Column } from "./table.js";

const list: Column<ListView> = { name: "LIST", value: ({ taskList }) => taskList };
const oldest: Column<ListView> = { name: "OLDEST", value: ({ oldest }) => formatAge(oldest) };

export const countColumns: readonly Column<ListView>[] = [
  list,
  { name: "OPEN", value: ({ open, isCapped }) => `${open}${isCapped ? "+" : ""}` },
  oldest,
  { name: "CLAIMED", value: ({ claimed }) => String(claimed) },
  { name: "RETRIED", value: ({ retried }) => String(retried) },
];

/** The columns if tasks are not counted. */
export const nameColumns: readonly Column<ListView>[] = [list, oldest];

import type { Version } from "../index.js";
import type { PageRequest } from "./page-data.js";

/** The board's addresses. Keys are parameters: in a path, an id such as `..` would mean the parent. */
export class Links {
  /** The path at which the board is mounted, without a slash at its end. */
  readonly base: string;

  constructor(base: string) {
    this.base = base;
  }

  of(path: string, parameters: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams(parameters).toString();
    return `${this.base}/${path}${query && `?${query}`}`;
  }

  lists(after = ""): string {
    return this.of("", after === "" ? {} : { after });
  }

  list(list: string, after?: string): string {
    return this.of("list", after === undefined ? { list } : { list, after });
  }

  task(list: string, id: string, isWhole = false): string {
    return this.of("task", isWhole ? { list, id, whole: "1" } : { list, id });
  }

  /** The address to which a form is sent. It has the keys, since browsers change line ends in a form's fields. */
  action(name: string, list: string, id: string): string {
    return this.of(name, { list, id });
  }

  bytes(list: string, id: string): string {
    return this.of("bytes", { list, id });
  }

  /** The address of the events that report changes of a page. */
  events(request: PageRequest): string {
    switch (request.view) {
      case "lists":
        return this.of("events", { view: "lists", after: request.after });
      case "list":
        return this.of("events", { view: "list", list: request.taskList, after: String(request.after) });
      case "task": {
        const { taskList: list, id, isWhole } = request;
        return this.of("events", { view: "task", list, id, ...(isWhole && { whole: "1" }) });
      }
    }
  }
}

/** The page that parameters ask for; undefined if they are invalid. */
export function readPageRequest(view: string, parameters: URLSearchParams): PageRequest | undefined {
  const list = parameters.get("list");
  const id = parameters.get("id");
  const after = parameters.get("after") ?? "";
  if (view === "lists") return { view, after };
  if (list === null) return undefined;
  const version = readVersion(after);
  if (view === "list" && version !== undefined) return { view, taskList: list, after: version };
  if (view === "task" && id !== null) return { view, taskList: list, id, isWhole: parameters.get("whole") === "1" };
  return undefined;
}

/** Parses a version; an empty text is 0, which is before all versions. Undefined if it is not a version. */
export function readVersion(text: string): Version | undefined {
  return /^\d{0,18}$/.test(text) ? BigInt(text || 0) : undefined;
}

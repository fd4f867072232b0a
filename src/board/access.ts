/** What a request may do: nothing, look at tasks, or also complete and release them. */
export type AccessLevel = "none" | "read" | "act";

/** A level, and who has it, for the log. */
export type Access = AccessLevel | { readonly level: AccessLevel; readonly who: string };

/** An action, done or refused, for the log. */
export interface BoardAction {
  readonly at: Date;
  readonly action: "complete" | "release";
  readonly taskList: string;
  readonly id: string;
  /** The version that the page showed. */
  readonly version: bigint | undefined;
  readonly who: string | undefined;
  readonly result: "done" | "not-open" | "newer-version" | "not-claimed" | "failed";
}

/** What pages and routes know of a request. */
export interface Visitor {
  readonly mayAct: boolean;
  readonly who: string | undefined;
}

/** Undefined if the request may do nothing. */
export function visitorOf(access: Access): Visitor | undefined {
  const { level, who } = typeof access === "string" ? { level: access, who: undefined } : access;
  return level === "read" || level === "act" ? { mayAct: level === "act", who } : undefined;
}

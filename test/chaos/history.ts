import type { Answer, Call, Event, Failure, Line, Seen } from "./log.js";

/** A call, with the times of its begin and its end; `end` is Infinity if it is unknown. */
interface Span {
  /** Who made it, and its number there. */
  readonly who: string;
  readonly start: number;
  readonly end: number;
}

/** The outcome of a write: `unknown` also if its process was killed meanwhile. */
export type Fate = "acknowledged" | "not-applied" | "unknown";

export interface Save extends Span {
  readonly list: string;
  readonly id: string;
  readonly token: string;
  readonly fate: Fate;
  /** The version of an acknowledged save; of one of unknown outcome, if it is known. */
  readonly version: number | undefined;
}

export interface Complete extends Span {
  readonly list: string;
  readonly id: string;
  readonly version: number;
  readonly fate: Fate;
}

/** A task that was looked for. */
export interface Find extends Span {
  readonly list: string;
  readonly id: string;
  readonly found: Seen | undefined;
}

/** A listing of a list. */
export interface Pass extends Span {
  readonly list: string;
  /** Only versions before this one. */
  readonly before: number;
  readonly listed: readonly (readonly [id: string, version: number, token: string])[];
  /** Whether it came to the end of the list. */
  readonly ended: boolean;
}

export interface CallError extends Span {
  readonly op: Call["op"];
  readonly failure: Failure;
}

/** All calls of a run, from its logs. */
export interface History {
  readonly saves: readonly Save[];
  readonly completes: readonly Complete[];
  readonly finds: readonly Find[];
  readonly passes: readonly Pass[];
  readonly errors: readonly CallError[];
  readonly events: readonly Event[];
}

interface MutableHistory {
  saves: Save[];
  completes: Complete[];
  finds: Find[];
  passes: Pass[];
  errors: CallError[];
  events: Event[];
}

export function toHistory(logs: ReadonlyMap<string, readonly Line[]>): History {
  const history: MutableHistory = { saves: [], completes: [], finds: [], passes: [], errors: [], events: [] };
  const gone = new Map<string, number>();
  for (const lines of logs.values())
    for (const line of lines)
      if (!("call" in line) && !("of" in line)) {
        history.events.push(line);
        if ("gone" in line) gone.set(line.gone, line.at);
      }
  for (const [who, lines] of logs) addCalls(history, who, lines, gone.get(who) ?? Infinity);
  return history;
}

/**
 * The history without reads that ended later. While processes are running, logs are read one after the other, so that a later
 * read may have seen a write which is missing in a log that was read before.
 */
export function readsUntil(history: History, moment: number): History {
  const earlier = <T extends Span>(reads: readonly T[]) => reads.filter(({ end }) => end <= moment);
  return { ...history, finds: earlier(history.finds), passes: earlier(history.passes) };
}

function addCalls(history: MutableHistory, who: string, lines: readonly Line[], gone: number): void {
  const answers = new Map<number, Answer>();
  for (const line of lines) if ("of" in line) answers.set(line.of, line);
  for (const line of lines) if ("call" in line) addCall(history, who, line, answers.get(line.call), gone);
}

function addCall(history: MutableHistory, who: string, call: Call, answer: Answer | undefined, gone: number): void {
  const span: Span = { who: `${who}#${call.call}`, start: call.at, end: answer?.at ?? gone };
  const failure = answer && "error" in answer ? answer : undefined;
  if (failure) history.errors.push({ ...span, op: call.op, failure });
  const fate = failure ? failure.outcome : answer ? "acknowledged" : "unknown";
  switch (call.op) {
    case "save": {
      const version = answer && "saved" in answer ? answer.saved : failure?.version;
      history.saves.push({ ...span, list: call.list, id: call.id, token: call.token, fate, version });
      break;
    }
    case "complete":
      history.completes.push({ ...span, list: call.list, id: call.id, version: call.version, fate });
      break;
    case "find":
      if (answer && "found" in answer)
        history.finds.push({ ...span, list: call.list, id: call.id, found: answer.found ?? undefined });
      break;
    case "all":
      if (answer && "listed" in answer && answer.listed)
        history.passes.push({
          ...span,
          list: call.list,
          before: call.before ?? Infinity,
          listed: answer.listed,
          ended: "ended" in answer && answer.ended,
        });
      break;
  }
}

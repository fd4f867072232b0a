import type { Stop } from "./crew.js";
import type { Entry } from "./log.js";

const NEVER = Number.POSITIVE_INFINITY;

/** A task in the hands of a worker, under one claim. */
interface Handling {
  readonly id: string;
  readonly worker: string;
  readonly token: bigint;
  readonly from: number;
  /** When its lease ended, or it was about to end it. */
  to: number;
  /** When its work was done, and when the task was completed, if that is known. */
  ended: number;
  completed: number;
  /** Whether it stopped its work before its lease ended. */
  isGivenUp: boolean;
}

export interface Judgement {
  readonly handled: number;
  readonly twice: number;
  /** Tasks that two workers had at once, with valid leases. */
  readonly overlaps: readonly string[];
  /** Tasks that were done twice, though no worker that had them was killed or stopped, by the test or by the machine. */
  readonly unexplained: readonly string[];
  /** How often the machine or the store delayed a worker for long. */
  readonly stalls: number;
  /** Workers that continued after their leases had ended: the case for fencing tokens. */
  readonly late: number;
  readonly missing: readonly string[];
  readonly repeatedTokens: number;
}

export function judge(ids: readonly string[], log: readonly Entry[], stops: readonly Stop[]): Judgement {
  const byTask = new Map(ids.map((id): [string, Handling[]] => [id, []]));
  const handled = handlings(log);
  for (const handling of handled) byTask.get(handling.id)?.push(handling);
  const all = [...byTask.values()].filter((some) => some.length > 0);
  const pairs = all.flatMap((some) => some.slice(1).map((next, i) => [some[i], next] as [Handling, Handling]));
  const pauses = [...stops, ...stalls(log, handled)];
  return {
    handled: all.length,
    twice: all.filter((some) => some.length > 1).length,
    overlaps: pairs.filter(([before, after]) => after.from < before.to).map(([, { id }]) => id),
    unexplained: pairs
      .filter(([before, after]) => !before.isGivenUp && !pauses.some((pause) => explains(pause, before, after)))
      .map(([, { id }]) => id),
    stalls: pauses.length - stops.length,
    late: pairs.filter(([before, after]) => before.ended > after.from && before.ended < NEVER).length,
    missing: ids.filter((id) => byTask.get(id)?.length === 0),
    repeatedTokens: pairs.filter(([before, after]) => before.token === after.token).length,
  };
}

/** In milliseconds. */
const SLOW = 500;

/** Times at which the machine paused a worker, or the store was slow to complete a task. */
function stalls(log: readonly Entry[], handled: readonly Handling[]): Stop[] {
  const waits = handled.filter(({ ended, completed }) => completed < NEVER && completed - ended > SLOW);
  const slow = waits.map(({ worker, ended, completed }) => ({ worker, from: ended, to: completed }));
  const stalled = log.filter(({ what }) => what === "stalled");
  return [...slow, ...stalled.map(({ worker, at, milliseconds = 0 }) => ({ worker, from: at - milliseconds, to: at }))];
}

/** In the order of their tokens. */
function handlings(log: readonly Entry[]): Handling[] {
  const byClaim = new Map<string, Handling>();
  for (const { at, worker, what, id, token, until } of log) {
    const name = `${id} ${token} ${worker}`;
    const handling = byClaim.get(name);
    if (what === "began")
      byClaim.set(name, {
        id,
        worker,
        token: BigInt(token),
        from: at,
        to: until ?? at,
        ended: NEVER,
        completed: NEVER,
        isGivenUp: false,
      });
    else if (handling && what === "renewed" && handling.ended === NEVER)
      handling.to = Math.max(handling.to, until ?? 0);
    else if (handling && what === "completed") handling.completed = at;
    else if (handling && what === "interrupted") handling.isGivenUp = true;
    else if (handling) {
      handling.to = Math.min(handling.to, at);
      handling.ended = at;
    }
  }
  return [...byClaim.values()].sort((a, b) => (a.token < b.token ? -1 : 1));
}

/** Whether the worker was killed or stopped while it had the task, before another got it. */
function explains({ worker, from, to }: Stop, before: Handling, after: Handling): boolean {
  return worker === before.worker && to >= before.from && from <= Math.min(before.completed, after.from);
}

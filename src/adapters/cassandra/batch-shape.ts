import type { Mutation } from "./session.js";

/** What an operation does: saves a task, completes one, or something else. */
export type OperationKind = "save" | "complete" | "other";

/** What a batch does when it saves and completes tasks, and nothing else. */
export interface BatchShape {
  readonly saves: number;
  readonly completes: number;
}

/** The most saves, and the most completes, of a prepared batch that does both; the most of one that does either. */
export const MOST_PREPARED = { together: 16, alone: 64 };

export function kindOf(mutations: readonly Mutation[]): OperationKind {
  return mutations.length === 2 ? kindOfTwo(mutations[0], mutations[1]) : "other";
}

function kindOfTwo(first: Mutation | undefined, second: Mutation | undefined): OperationKind {
  if (first?.kind === "put-task" && second?.kind === "put-entry") return "save";
  return first?.kind === "delete-task" && second?.kind === "delete-entry" ? "complete" : "other";
}

/** That of a batch of operations with two mutations each. Undefined where something else is done, too. */
export function shapeOfBatch(mutations: readonly Mutation[]): BatchShape | undefined {
  const kinds: OperationKind[] = [];
  for (let i = 0; i < mutations.length; i += 2) kinds.push(kindOfTwo(mutations[i], mutations[i + 1]));
  return shapeOf(kinds);
}

/** Undefined where something else is done, too. */
export function shapeOf(kinds: readonly OperationKind[]): BatchShape | undefined {
  let saves = 0;
  for (const kind of kinds) {
    if (kind === "other") return undefined;
    if (kind === "save") saves++;
  }
  return { saves, completes: kinds.length - saves };
}

/**
 * Whether batches of this shape are prepared as one statement: that costs a node up to half less than naming a statement
 * for each row. All of them together take 2 MiB of the 10 MiB or more in which a node keeps what is prepared.
 */
export function isPrepared({ saves, completes }: BatchShape): boolean {
  const most = mostOf({ saves, completes });
  return [saves, completes].every((count) => count <= most && count === powerOfTwo(count));
}

/** The largest shape that is prepared, does no more than this one, and some of what comes first. */
export function largestPrepared({ saves, completes }: BatchShape, first: OperationKind): BatchShape {
  const together = fitInto({ saves, completes });
  const alone = fitInto(first === "save" ? { saves, completes: 0 } : { saves: 0, completes });
  return sizeOf(alone) > sizeOf(together) ? alone : together;
}

function fitInto(shape: BatchShape): BatchShape {
  const most = mostOf(shape);
  const count = (wanted: number) => Math.min(most, powerOfTwo(wanted));
  return { saves: count(shape.saves), completes: count(shape.completes) };
}

function mostOf({ saves, completes }: BatchShape): number {
  return saves > 0 && completes > 0 ? MOST_PREPARED.together : MOST_PREPARED.alone;
}

function sizeOf({ saves, completes }: BatchShape): number {
  return saves + completes;
}

/** The largest one up to a number; 0 for 0. */
function powerOfTwo(upTo: number): number {
  return upTo === 0 ? 0 : 2 ** (31 - Math.clz32(upTo));
}

import type { TaskError } from "../../core/errors.js";
import { kindOf, largestPrepared, type OperationKind, shapeOf } from "./batch-shape.js";
import type { Mutation, SessionError } from "./session.js";
import { Waiter } from "./waiter.js";

/** One save, complete or removal: mutations that belong together, and their caller. */
export class Operation extends Waiter<void> {
  /** None once its caller has been answered: it may go on waiting, and must not hold its task in memory. */
  mutations: readonly Mutation[];
  readonly kind: OperationKind;
  readonly bytes: number;
  /** When its caller is answered at the latest, in milliseconds on the host's monotonic clock. */
  readonly end: number;
  /** Whether an attempt was made, or is under way, that may be applied. */
  mayApply = false;
  /** Of the last attempt, if another might have got past it. */
  failure: SessionError | undefined = undefined;

  constructor(mutations: readonly Mutation[], end: number, resolve: () => void, reject: (error: unknown) => void) {
    super(resolve, reject);
    this.mutations = mutations;
    this.kind = kindOf(mutations);
    this.bytes = bytesOf(mutations);
    this.end = end;
  }

  /** Answers its caller, if it has not been answered yet. */
  settle(error?: TaskError): void {
    this.mutations = [];
    if (error) this.reject(error);
    else this.resolve();
  }
}

function bytesOf(mutations: readonly Mutation[]): number {
  return mutations.reduce((sum, mutation) => sum + (mutation.kind === "put-task" ? mutation.body.length : 0), 0);
}

/** Those of a prepared batch, and the others, each in order; the first is taken. */
export function takePrepared(operations: readonly Operation[]): { taken: Operation[]; left: Operation[] } {
  const shape = shapeOf(operations.map(({ kind }) => kind));
  if (shape === undefined) return { taken: [...operations], left: [] };
  let { saves, completes } = largestPrepared(shape, (operations[0] as Operation).kind);
  const taken: Operation[] = [];
  const left: Operation[] = [];
  for (const operation of operations) {
    const isTaken = operation.kind === "save" ? saves-- > 0 : completes-- > 0;
    (isTaken ? taken : left).push(operation);
  }
  return { taken, left };
}

/**
 * The mutations of a batch. Timestamps settle everything between them but one: of two saves of one id the older would
 * be written only to be replaced, and leave its entry behind; it is as if it had come and gone, so it is left out.
 */
export function mutationsOf(operations: readonly Operation[]): readonly Mutation[] {
  const mutations: Mutation[] = [];
  const saved = new Set<string>();
  let saves = 0;
  for (const operation of operations)
    for (const mutation of operation.mutations) {
      mutations.push(mutation);
      if (mutation.kind !== "put-task") continue;
      saved.add(mutation.id);
      saves++;
    }
  return saves === saved.size ? mutations : withLatestSaves(mutations);
}

function withLatestSaves(mutations: readonly Mutation[]): readonly Mutation[] {
  const latest = new Map<string, bigint>();
  for (const mutation of mutations)
    if (mutation.kind === "put-task" && mutation.savedAt > (latest.get(mutation.id) ?? 0n))
      latest.set(mutation.id, mutation.savedAt);
  return mutations.filter(
    (mutation) =>
      (mutation.kind !== "put-task" && mutation.kind !== "put-entry") || mutation.savedAt === latest.get(mutation.id),
  );
}

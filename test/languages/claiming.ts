import { REDELIVERY } from "../../src/adapter/claim-store.js";
import { decodeEnvelope } from "../../src/envelope/decode.js";
import { DEFAULT_MAX_TASK_BYTES, savedAtOf } from "../../src/envelope/envelope.js";
import type { Actor, Failable, HeldTask, Situation } from "./actor.js";
import { newTask } from "./stage.js";

/** A claim as it passes between processes. Large numbers are texts. */
export interface PlainClaim {
  readonly task_list: string;
  readonly id: string;
  readonly saved_at: string;
  readonly owner: string;
  readonly token: string;
  readonly attempt: number;
  readonly until: number;
}

/** An actor that claims, too. Times are in milliseconds. */
export interface ClaimingActor extends Actor {
  claim(envelope: string, owner: string, lease: number, situation: Situation): Promise<PlainClaim | null>;
  renew(claim: PlainClaim, lease: number, situation: Situation): Promise<Failable & { claim: PlainClaim | null }>;
  release(claim: PlainClaim, retryIn: number, situation: Situation): Promise<void>;
  /** The task has been completed under it. */
  forget(claim: PlainClaim, situation: Situation): Promise<void>;
}

/** What a process does, its clock standing `at` so many milliseconds after the beginning. */
export type ClaimStep = { readonly at: number } & (
  | ({ readonly by: "A" | "B" } & Act)
  /** A mark, which only TypeScript's `redeliver` sets, and which lasts for so many milliseconds. */
  | { readonly mark: string; readonly lasts: number }
);

type Act =
  | { readonly save: string }
  | { readonly complete: string }
  | { readonly claim: string; readonly owner: string; readonly lease: number; readonly as: string }
  | { readonly renew: string; readonly lease: number }
  | { readonly release: string; readonly retryIn: number }
  | { readonly forget: string };

const saved: ClaimStep = { by: "A", at: 0, save: "x" };
const claimed: ClaimStep = { by: "A", at: 10, claim: "x", owner: "A", lease: 10_000, as: "c" };

/** Each must go in all languages as it goes in TypeScript. */
export const claimScripts: Readonly<Record<string, readonly ClaimStep[]>> = {
  "a claim keeps others away": [
    saved,
    claimed,
    { by: "B", at: 20, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 9_000, claim: "x", owner: "B", lease: 10_000, as: "d" },
  ],
  "an owner takes over from itself": [
    saved,
    claimed,
    { by: "B", at: 20, claim: "x", owner: "A", lease: 10_000, as: "d" },
    { by: "A", at: 30, renew: "c", lease: 10_000 },
    { by: "B", at: 40, renew: "d", lease: 10_000 },
  ],
  "a lease that has ended is another's": [
    saved,
    claimed,
    { by: "B", at: 12_100, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "A", at: 12_200, renew: "c", lease: 10_000 },
    { by: "A", at: 12_300, release: "c", retryIn: 0 },
    { by: "B", at: 12_400, renew: "d", lease: 20_000 },
    { by: "B", at: 12_500, renew: "d", lease: 1_000 },
  ],
  "a task that is released may be claimed after its wait": [
    saved,
    claimed,
    { by: "A", at: 100, release: "c", retryIn: 5_000 },
    { by: "B", at: 200, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 5_200, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 5_300, release: "d", retryIn: 0 },
    { by: "A", at: 5_300, claim: "x", owner: "A", lease: 10_000, as: "e" },
  ],
  "a wait that a clock an hour ahead has noted is not believed, and one noted after it was set back is": [
    saved,
    { by: "A", at: 3_600_010, claim: "x", owner: "A", lease: 10_000, as: "c" },
    { by: "A", at: 3_600_100, release: "c", retryIn: 5_000 },
    { by: "A", at: 3_604_900, claim: "x", owner: "A", lease: 10_000, as: "c" },
    { by: "B", at: 10_000, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 10_100, release: "d", retryIn: 5_000 },
    { by: "A", at: 15_000, claim: "x", owner: "A", lease: 10_000, as: "e" },
    { by: "A", at: 15_200, claim: "x", owner: "A", lease: 10_000, as: "e" },
  ],
  "a lease that a clock an hour ahead has given keeps others away": [
    saved,
    { by: "A", at: 3_600_010, claim: "x", owner: "A", lease: 10_000, as: "c" },
    { by: "B", at: 10_000, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 3_613_000, claim: "x", owner: "B", lease: 10_000, as: "d" },
  ],
  "a version that is not open can't be claimed": [
    saved,
    { by: "A", at: 10, save: "y" },
    { by: "B", at: 20, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 30, complete: "y" },
    { by: "A", at: 40, claim: "y", owner: "A", lease: 10_000, as: "e" },
  ],
  "a claim to an older version stands in nobody's way": [
    saved,
    claimed,
    { by: "B", at: 20, save: "y" },
    { by: "B", at: 30, claim: "y", owner: "B", lease: 10_000, as: "d" },
    { by: "A", at: 40, renew: "c", lease: 10_000 },
  ],
  "what was completed under a claim begins anew": [
    saved,
    claimed,
    { by: "A", at: 20, complete: "x" },
    { by: "A", at: 20, forget: "c" },
    { by: "B", at: 30, save: "y" },
    { by: "B", at: 40, claim: "y", owner: "B", lease: 10_000, as: "d" },
  ],
  "a mark keeps nobody from claiming, and is no attempt": [
    saved,
    { at: 10, mark: "x", lasts: 60_000 },
    { by: "B", at: 20, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "A", at: 30, claim: "x", owner: "A", lease: 10_000, as: "e" },
  ],
  "a mark keeps nobody from claiming what failed before": [
    saved,
    claimed,
    { by: "A", at: 100, release: "c", retryIn: 0 },
    { at: 200, mark: "x", lasts: 60_000 },
    { by: "B", at: 300, claim: "x", owner: "B", lease: 10_000, as: "d" },
    { by: "B", at: 400, release: "d", retryIn: 5_000 },
    { at: 500, mark: "x", lasts: 60_000 },
    { at: 5_500, mark: "x", lasts: 60_000 },
    { by: "A", at: 5_600, claim: "x", owner: "A", lease: 10_000, as: "e" },
  ],
  "a mark stands in another mark's way, also once the task is saved again": [
    saved,
    claimed,
    { by: "A", at: 100, release: "c", retryIn: 0 },
    { at: 200, mark: "x", lasts: 5_000 },
    { at: 300, mark: "x", lasts: 5_000 },
    { by: "B", at: 400, save: "y" },
    { at: 500, mark: "y", lasts: 5_000 },
    { by: "B", at: 600, claim: "y", owner: "B", lease: 10_000, as: "d" },
  ],
  "a mark is not set while anybody has a claim, and ends a claim whose lease is over": [
    saved,
    claimed,
    { at: 100, mark: "x", lasts: 60_000 },
    { at: 12_100, mark: "x", lasts: 60_000 },
    { by: "A", at: 12_200, renew: "c", lease: 10_000 },
    { by: "B", at: 12_300, claim: "x", owner: "B", lease: 10_000, as: "d" },
  ],
};

/** What came of each step, numbers counted from the beginning. */
export async function playClaims(
  steps: readonly ClaimStep[],
  taskList: string,
  actors: { readonly A: ClaimingActor; readonly B: ClaimingActor; readonly marker: ClaimingActor },
): Promise<unknown[]> {
  const begin = BigInt(Date.now()) * 1000n;
  const held = new Map<string, HeldTask>();
  const claims = new Map<string, PlainClaim>();
  await actors.A.open();
  await actors.B.open();
  await actors.marker.open();
  const versionOf = (envelope: string) =>
    Number((savedAtOf(decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES)) ?? begin) - begin);
  const plain = (claim: PlainClaim | null) =>
    claim && {
      owner: claim.owner,
      attempt: claim.attempt,
      version: claim.saved_at === "0" ? 0 : Number(BigInt(claim.saved_at) - begin),
      token: Number(BigInt(claim.token) - begin),
      until: claim.until - Number(begin / 1000n),
    };
  const take = async (step: ClaimStep): Promise<unknown> => {
    const now = begin + BigInt(step.at) * 1000n;
    const situation = { taskList, now, serverNow: now };
    const task = (name: string) => held.get(name) ?? { envelope: newTask(taskList), replaced: [] };
    const claim = (name: string) => claims.get(name) as PlainClaim;
    if ("mark" in step)
      return plain(await actors.marker.claim(task(step.mark).envelope, REDELIVERY, step.lasts, situation));
    const actor = actors[step.by];
    if ("save" in step) {
      const done = await actor.save(task(step.save), situation);
      held.set(step.save, done);
      return [done.error, versionOf(done.envelope)];
    }
    if ("complete" in step) return actor.complete(task(step.complete).envelope, situation);
    if ("claim" in step) {
      const granted = await actor.claim(task(step.claim).envelope, step.owner, step.lease, situation);
      if (granted) claims.set(step.as, granted);
      return plain(granted);
    }
    if ("renew" in step) {
      const renewed = await actor.renew(claim(step.renew), step.lease, situation);
      return [renewed.error?.code ?? null, plain(renewed.claim)];
    }
    if ("release" in step) return actor.release(claim(step.release), step.retryIn, situation);
    return actor.forget(claim(step.forget), situation);
  };
  const trace: unknown[] = [];
  for (const step of steps) trace.push(await take(step));
  return JSON.parse(JSON.stringify(trace.map((each) => each ?? null)));
}

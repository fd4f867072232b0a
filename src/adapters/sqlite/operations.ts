import type { ClaimHolding, ClaimRequest, ClaimState } from "../../claim-store.js";
import type { TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";
import type { DriverLocation } from "./driver.js";
import type { PlainError } from "./errors.js";

/** One write, as it goes to the worker thread. */
export type Operation =
  | (TaskKey & {
      readonly kind: "save";
      readonly type: string;
      readonly body: Uint8Array;
      /** The latest version that the save replaces; 0 if it replaces none. */
      readonly replaced: Version;
    })
  | (TaskKey & { readonly kind: "complete"; readonly savedAt: Version })
  | (ClaimRequest & { readonly kind: "claim" })
  | (ClaimHolding & { readonly kind: "renew"; readonly lease: number })
  | (ClaimHolding & { readonly kind: "release"; readonly retryIn: number });

/** A save's version; a claim's state, or undefined if it is not granted; when a renewed lease ends. */
export type Value = Version | ClaimState | number | undefined;

export type Result = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: PlainError };

/** The clocks of the thread that asks, in microseconds. */
export interface WriteClock {
  readonly now: Version;
  /** Versions are not lower than this one. */
  readonly next: Version;
  /** What lies past it, a wrong clock made. */
  readonly horizon: Version;
}

/** Operations that are one transaction. */
export interface Group {
  readonly clock: WriteClock;
  readonly operations: readonly Operation[];
}

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly driver: DriverLocation;
  /** As the user gave it, and without symbolic links. */
  readonly path: string;
  readonly realPath: string;
  /** How long a transaction waits for other processes, in milliseconds. */
  readonly deadline: number;
}

/** A group on its way: the bodies of its saves lie one after the other in `bodies`, which is transferred. */
export interface PackedGroup {
  readonly clock: WriteClock;
  readonly operations: readonly Operation[];
  readonly sizes: readonly number[];
  readonly bodies: Uint8Array<ArrayBuffer>;
}

export type Request = { readonly kind: "write"; readonly group: PackedGroup } | { readonly kind: "close" };

export type Reply =
  | { readonly kind: "opened" }
  | { readonly kind: "refused"; readonly error: PlainError }
  | { readonly kind: "written"; readonly results: readonly Result[] }
  | { readonly kind: "closed" };

const noBytes = new Uint8Array(0);

/** To pass many arrays to another thread costs much more than to copy them into one. */
export function packGroup({ clock, operations }: Group): PackedGroup {
  const sizes = operations.map((each) => (each.kind === "save" ? each.body.length : 0));
  const bodies = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  const bare = operations.map((each): Operation => {
    if (each.kind !== "save") return each;
    bodies.set(each.body, at);
    at += each.body.length;
    return { ...each, body: noBytes };
  });
  return { clock, operations: bare, sizes, bodies };
}

export function unpackGroup({ clock, operations, sizes, bodies }: PackedGroup): Group {
  let at = 0;
  const full = operations.map((each, i): Operation => {
    if (each.kind !== "save") return each;
    const start = at;
    at += sizes[i] as number;
    return { ...each, body: bodies.subarray(start, at) };
  });
  return { clock, operations: full };
}

import type { Registry } from "@bufbuild/protobuf";
import type { ClaimState } from "../adapter/index.js";
import { toMilliseconds } from "../core/version.js";
import type { Task } from "../index.js";
import { momentOf } from "./age.js";
import { type ClaimView, viewClaim } from "./claim-view.js";
import { type ViewedData, viewData } from "./data-view.js";

/** The view of a task, for people and scripts. Times are in ISO 8601. */
export interface TaskView extends ViewedData {
  readonly taskList: string;
  readonly id: string;
  readonly type: string;
  /** Microseconds since 1970, as text: as a number, other JSON parsers could lose digits. Absent if the task was not saved. */
  readonly version?: string;
  readonly savedAt?: string;
  readonly createdAt?: string;
  /** The larger of the envelope's attempt and that of the claims. */
  readonly attempt: number;
  /** Absent if the store has no claims, or was not asked for them. */
  readonly claim?: ClaimView;
  readonly headers: Readonly<Record<string, string>>;
}

export interface ViewOptions {
  /** The message types that data may contain. */
  readonly registry: Registry;
  /** The state of the claims to the task; null if there is none. */
  readonly claim?: ClaimState | null | undefined;
  /** Longer data is left out. @defaultValue no limit */
  readonly maxBytes?: number | undefined;
}

export function viewTask(task: Task, { registry, claim, maxBytes }: ViewOptions): TaskView {
  const { taskList, id, type, envelope } = task;
  const { savedAt, createdAt, attempt, headers } = envelope;
  const claims = claim === undefined ? undefined : viewClaim(claim ?? undefined, savedAt ?? 0n, Date.now());
  return {
    ...{ taskList, id, type },
    ...(savedAt !== undefined && { version: String(savedAt), savedAt: momentOf(toMilliseconds(savedAt)) }),
    ...(createdAt && { createdAt: createdAt.toISOString() }),
    attempt: Math.max(attempt, claims?.attempt ?? 0),
    ...(claims && { claim: claims }),
    headers: { ...headers },
    ...viewData(task, registry, maxBytes),
  };
}

/** The task's data on one line: its JSON, or its state and size. */
export function dataLine({ state, data, bytes, isLeftOut }: ViewedData): string {
  if (state !== "readable") return `${state}, ${bytes} B`;
  if (isLeftOut) return `${bytes} B`;
  const { "@type": _, ...fields } = data;
  return JSON.stringify(fields);
}

import type { AllOptions } from "../../adapter.js";
import { MAX_VERSION, type Version } from "../../version.js";
import type { Environment } from "./environment.js";
import { keyAfter, listEnd, listStart, readEnvelope, readLedgerKey, readVersion, versionStart } from "./layout.js";

/** A part of a ledger that a pass has yet to read: from `start`, and before `end`. */
export interface Range {
  readonly start: Buffer;
  readonly end: Buffer;
}

export interface Page {
  readonly envelopes: readonly Uint8Array[];
  readonly lastSavedAt: Version;
  readonly rest: Range;
}

/**
 * What a pass over a list reads that begins now: what is saved from here on, again or anew, is for the next one.
 * Undefined where there is nothing.
 */
export function rangeOf(
  { ledger }: Environment,
  taskList: string,
  savedBefore: Version | undefined,
): Range | undefined {
  const start = listStart(taskList);
  const [last] = ledger.getKeys({ start: listEnd(taskList), end: start, reverse: true, limit: 1 });
  if (last === undefined) return undefined;
  const end = keyAfter(last);
  if (savedBefore === undefined || savedBefore > MAX_VERSION) return { start, end };
  const before = savedBefore > 0n ? versionStart(taskList, savedBefore) : start;
  return { start, end: before.compare(end) < 0 ? before : end };
}

/** The first page of a range; undefined where nothing is left. */
export function readPage({ tasks, ledger }: Environment, range: Range, options: AllOptions): Page | undefined {
  const { pageSize, maxPageBytes } = options;
  const envelopes: Uint8Array[] = [];
  let room = maxPageBytes;
  let last: { readonly key: Buffer; readonly savedAt: Version } | undefined;
  for (const key of ledger.getKeys({ ...range, limit: pageSize })) {
    const { task, savedAt } = readLedgerKey(key);
    const row = tasks.getBinaryFast(task);
    if (row === undefined || readVersion(row) !== savedAt) continue; // no store that was only written here has such
    const bytes = readEnvelope(row);
    room -= bytes.length;
    if (room < 0 && last) break;
    envelopes.push(bytes);
    last = { key, savedAt };
  }
  return last && { envelopes, lastSavedAt: last.savedAt, rest: { ...range, start: keyAfter(last.key) } };
}

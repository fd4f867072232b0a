import type { Complete, History, Save } from "./history.js";
import type { Violation } from "./judge.js";

/** The results of calls during a fault, over all its occurrences. */
export interface FaultSummary {
  readonly fault: string;
  readonly times: number;
  /** The duration of all occurrences. */
  readonly seconds: number;
  /** The acknowledged ones of the calls that ended during the fault. */
  readonly saves: number;
  readonly completes: number;
  /** Writes that may have been applied, and those that were not. */
  readonly unknown: number;
  readonly notApplied: number;
  /** Finds and listings that were checked. */
  readonly checks: number;
  /** Failed calls by code; reads that failed are among them. */
  readonly errors: Readonly<Record<string, number>>;
  /** The longest time without an acknowledgement, and the longest wait for one; in seconds. */
  readonly longestGap: number;
  readonly longestCall: number;
  readonly violations: number;
}

interface Window {
  readonly from: number;
  readonly to: number;
}

/** A summary for each fault, in the order of their first occurrence, and one for the whole run. */
export function summarize(history: History, violations: readonly Violation[]): FaultSummary[] {
  const windows = windowsOf(history);
  const all = [{ from: -Infinity, to: Infinity }];
  return [...windows, ["the whole run", all] as const].map(([fault, some]) =>
    summarizeWindows(fault, some, history, violations),
  );
}

function windowsOf({ events }: History): Map<string, Window[]> {
  const windows = new Map<string, Window[]>();
  const begun = new Map<string, number>();
  for (const event of events) {
    if ("began" in event) begun.set(event.began, event.at);
    if ("ended" in event) {
      const window = { from: begun.get(event.ended) ?? event.at, to: event.at };
      windows.set(event.ended, [...(windows.get(event.ended) ?? []), window]);
    }
  }
  return windows;
}

function summarizeWindows(
  fault: string,
  windows: readonly Window[],
  history: History,
  violations: readonly Violation[],
): FaultSummary {
  const during = <T extends { readonly end: number }>(calls: readonly T[]) =>
    calls.filter(({ end }) => end !== Infinity && windows.some(({ from, to }) => end >= from && end <= to));
  const writes = during<Save | Complete>([...history.saves, ...history.completes]);
  const acknowledged = writes.filter(({ fate }) => fate === "acknowledged");
  const saves = acknowledged.filter((write) => "token" in write).length;
  const errors: Record<string, number> = {};
  for (const { failure } of during(history.errors)) errors[failure.error] = (errors[failure.error] ?? 0) + 1;
  return {
    fault,
    times: windows.length,
    seconds: windows.reduce((sum, { from, to }) => sum + (to - from) / 1e6, 0),
    saves,
    completes: acknowledged.length - saves,
    unknown: writes.filter(({ fate }) => fate === "unknown").length,
    notApplied: writes.filter(({ fate }) => fate === "not-applied").length,
    checks: during(history.finds).length + during(history.passes).length,
    errors,
    longestGap: Math.max(0, ...windows.map((window) => longestGap(acknowledged, window))) / 1e6,
    longestCall: acknowledged.reduce((longest, { start, end }) => Math.max(longest, end - start), 0) / 1e6,
    violations: violations.filter(({ at }) => windows.some(({ from, to }) => at >= from && at <= to)).length,
  };
}

function longestGap(acknowledged: readonly { readonly end: number }[], { from, to }: Window): number {
  const ends = acknowledged.map(({ end }) => end).filter((end) => end >= from && end <= to);
  const times = [from, ...ends.sort((a, b) => a - b), to].filter(Number.isFinite);
  return times.reduce((longest, time, i) => Math.max(longest, i === 0 ? 0 : time - (times[i - 1] as number)), 0);
}

/** The summaries as a table for people. */
export function printSummaries(summaries: readonly FaultSummary[]): string {
  const head = ["fault", "times", "s", "saves", "completes", "unknown", "not applied", "checks"];
  const rows = summaries.map((each) => [
    each.fault,
    String(each.times),
    Number.isFinite(each.seconds) ? each.seconds.toFixed(0) : "",
    String(each.saves),
    String(each.completes),
    String(each.unknown),
    String(each.notApplied),
    String(each.checks),
    `${each.longestGap.toFixed(1)} s`,
    `${each.longestCall.toFixed(1)} s`,
    String(each.violations),
    Object.entries(each.errors)
      .map(([code, count]) => `${code} ${count}`)
      .join(", "),
  ]);
  return alignColumns([[...head, "longest gap", "longest call", "violations", "errors"], ...rows]);
}

function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows
    .map((row) =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .map((line) => line.trimEnd())
    .join("\n");
}

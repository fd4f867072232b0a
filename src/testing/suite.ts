import { invalidArgument } from "../core/errors.js";
import { aborting } from "./cases/aborting.js";
import { changingLists } from "./cases/changing-lists.js";
import { claimEnds } from "./cases/claim-ends.js";
import { claiming } from "./cases/claiming.js";
import { closing } from "./cases/closing.js";
import { completing } from "./cases/completing.js";
import { concurrency } from "./cases/concurrency.js";
import { finding } from "./cases/finding.js";
import { keysAndData } from "./cases/keys-and-data.js";
import { laziness, reads } from "./cases/laziness.js";
import { listing } from "./cases/listing.js";
import { lists } from "./cases/lists.js";
import { marks } from "./cases/marks.js";
import { opening } from "./cases/opening.js";
import { pages } from "./cases/pages.js";
import { lateSaves, persistence } from "./cases/persistence.js";
import { randomCalls } from "./cases/random-calls.js";
import { randomClaims } from "./cases/random-claims.js";
import { randomHistories } from "./cases/random-histories.js";
import { repeatedKeys } from "./cases/repeated-keys.js";
import { saving } from "./cases/saving.js";
import { sharedClaims } from "./cases/shared-claims.js";
import { together } from "./cases/together.js";
import { versions } from "./cases/versions.js";
import { type AdapterFactory, type ConformanceOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { type CaseGroup, Scenario, within } from "./scenario.js";

/** One test case: a statement about an adapter. */
export interface ConformanceCase {
  /** The subject, such as `save`. */
  readonly group: string;
  /** The statement, such as `a complete of an older version leaves a newer one`. Unique among all cases. */
  readonly name: string;
  /** Why it is skipped with these options; undefined if it is not. */
  readonly skipped: string | undefined;
  /** Resolves if the statement holds, and rejects if it does not. */
  run(): Promise<void>;
}

/** The result of a case: it passed if it has neither `error` nor `skipped`. */
export interface CaseResult {
  /** The group of the case. */
  readonly group: string;
  /** The name of the case. */
  readonly name: string;
  /** Why the case was not run. */
  readonly skipped?: string;
  /** What the case rejected with. */
  readonly error?: unknown;
}

/** `describe` of a test runner. */
export type Describe = (name: string, body: () => void) => unknown;

/** `it`, or `test`, of a test runner. */
export interface It {
  (name: string, body: () => Promise<void>, timeout?: number): unknown;
  /** Registers a test that is not run. */
  readonly skip?: (name: string, body: () => Promise<void>) => unknown;
}

const groups: readonly CaseGroup[] = [
  ...[opening, saving, versions, repeatedKeys, completing, finding, keysAndData],
  ...[listing, pages, laziness, reads, changingLists],
  ...[aborting, closing, concurrency, persistence, lateSaves, randomHistories, randomCalls],
  ...[claiming, claimEnds, marks, sharedClaims, randomClaims],
  ...[together, lists],
];

/** The cases of the suite, for runners that the other two functions do not support. */
export function adapterCases(
  createAdapter: AdapterFactory,
  options: ConformanceOptions = {},
): readonly ConformanceCase[] {
  const resolved = resolveOptions(options);
  const given = groups.filter(({ needs }) => !(needs === "reads" || needs === "redeliver") || resolved[needs]);
  return given.flatMap(({ group, needs, cases }) =>
    Object.entries(cases).map(([name, body]) => ({
      group,
      name,
      skipped: needs && !resolved[needs] ? skipReasons[needs as keyof typeof skipReasons] : undefined,
      run: () => runCase(body, createAdapter, resolved),
    })),
  );
}

const skipReasons = {
  persistent: "the store ends with its adapter (persistent: false)",
  claims: "the adapter has no claims (claims: false)",
  together: "the adapter has no saveTogether (together: false)",
  lists: "the adapter has no lists (lists: false)",
  sharedClaims: "the adapter has no claims, or its store ends with it (claims: false, persistent: false)",
} as const;

async function runCase(
  body: (scenario: Scenario) => Promise<void>,
  createAdapter: AdapterFactory,
  options: ResolvedOptions,
): Promise<void> {
  const scenario = await Scenario.begin(createAdapter, options);
  try {
    await within(body(scenario), options.timeout, "the case");
  } catch (error) {
    await within(scenario.end(), options.timeout, "close").catch(() => undefined);
    throw error;
  }
  await within(scenario.end(), options.timeout, "close");
}

/** Runs all cases, one after the other; resolves to their results. */
export async function runConformance(
  createAdapter: AdapterFactory,
  options: ConformanceOptions = {},
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = [];
  for (const { group, name, skipped, run } of adapterCases(createAdapter, options)) {
    if (skipped !== undefined) results.push({ group, name, skipped });
    else
      results.push(
        await run().then(
          () => ({ group, name }),
          (error: unknown) => ({ group, name, error }),
        ),
      );
  }
  return results;
}

/**
 * Tests an adapter with one call, in any test runner: pass the runner's `describe` and `it` (or `test`).
 *
 *     import { describe, it } from "vitest";          // or from node:test; jest and mocha have them as globals
 *     import { describeAdapter } from "taskledger/testing";
 *
 *     describeAdapter("MyAdapter", () => new MyAdapter({ path: folder }), { describe, it });
 *
 * Every case gets its own adapter from the factory and uses new task lists, so that all can share one store: create its folder,
 * keyspace or client once, outside the factory, and delete it afterwards. For an adapter that holds its tasks itself, pass
 * `persistent: false`.
 *
 * A case may take `timeout` milliseconds; this is passed to vitest, jest and bun; for mocha, set `--timeout`.
 *
 * It can't show that a save survives a crash of the store or of the host, nor, without the option `redeliver`, that a save which
 * arrives late does not bring a task back. Throws INVALID_ARGUMENT.
 */
export function describeAdapter(
  name: string,
  createAdapter: AdapterFactory,
  { describe, it, ...options }: ConformanceOptions & { readonly describe: Describe; readonly it: It } = {} as never,
): void {
  checkFunction("createAdapter", createAdapter);
  checkFunction("describe", describe);
  checkFunction("it", it);
  const { timeout } = resolveOptions(options);
  const all = adapterCases(createAdapter, options);
  describe(name, () => {
    for (const group of new Set(all.map(({ group }) => group)))
      describe(group, () => {
        for (const each of all) if (each.group === group) register(each, it, 2 * timeout + 1000);
      });
  });
}

function checkFunction(field: string, value: unknown): void {
  if (typeof value !== "function") throw invalidArgument(field, "a function", value);
}

function register({ name, skipped, run }: ConformanceCase, it: It, timeout: number): void {
  if (skipped === undefined) it(name, run, timeout);
  else it.skip?.(`${name} (skipped: ${skipped})`, run);
}

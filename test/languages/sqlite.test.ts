import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ClaimingActor, claimScripts, playClaims } from "./claiming.js";
import { DriverActor } from "./driver.js";
import { interleavings, type Step } from "./interleavings.js";
import { prepareLanguages } from "./prepare.js";
import { SqliteActor } from "./sqlite-actor.js";
import { traceOf } from "./stage.js";

// Two processes on one file, one in TypeScript: what each sees must be as if both were.

const prepared = (await prepareLanguages()).filter(({ language }) => language.hasSqlite);

/** Rows and sweeps are Cassandra's, and so are answers that are lost. */
const isForEveryStore = (step: Step) => !("write" in step || "sweep" in step || ("fault" in step && step.fault));
const own = interleavings.filter(({ steps }) => steps.every(isForEveryStore));

describe.each(prepared)("an SQLite file in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);
  let folder: string;
  let files = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "taskledger-sqlite-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** Each pair in a file of its own. */
  async function compare(
    play: (actors: Record<"A" | "B" | "marker", ClaimingActor>) => Promise<unknown[]>,
  ): Promise<void> {
    const typeScript = (path: string) => new SqliteActor(path);
    const other = (path: string) => new DriverActor(language, { path });
    const traces: unknown[] = [];
    for (const [a, b] of [
      [typeScript, typeScript],
      [other, typeScript],
      [typeScript, other],
      [other, other],
    ] as const) {
      const path = join(folder, `${files++}.db`);
      const maker = new SqliteActor(path);
      await maker.open();
      await maker.close();
      const actors = { A: a(path), B: b(path), marker: typeScript(path) };
      traces.push(await play(actors));
      await Promise.all(Object.values(actors).map((actor) => actor.close()));
    }
    expect(traces[0]).not.toEqual([]);
    for (const trace of traces) expect(trace).toEqual(traces[0]);
  }

  test.each(own)("$name", { timeout: 60_000 }, async (interleaving) => {
    await compare((actors) => traceOf(interleaving.steps, "acme.com", actors));
  });

  test.each(Object.entries(claimScripts))("%s", { timeout: 60_000 }, async (_, steps) => {
    await compare((actors) => playClaims(steps, "acme.com", actors));
  });
});

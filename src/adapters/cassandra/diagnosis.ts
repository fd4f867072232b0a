import type { Finding } from "../../adapter/adapter.js";
import { toMilliseconds, type Version } from "../../core/version.js";
import type { Caller } from "./driver/caller.js";
import type { LedgerSession } from "./model/session.js";
import { type LedgerSettings, SEVERAL_DATA_CENTERS } from "./model/settings.js";
import { processRuntime } from "./runtime.js";
import { readReplication } from "./schema/check.js";

/** What is checked, and how. */
export interface DiagnosisOptions {
  readonly caller: Caller;
  readonly settings: LedgerSettings;
  /** Maximum deviation of this host's clock, in microseconds. */
  readonly clockLimit: Version;
  readonly session: LedgerSession;
  /** In milliseconds. */
  readonly timeout: number;
}

/** The state of the cluster, as a client sees it. Throws SessionErrors. */
export async function diagnose(options: DiagnosisOptions): Promise<Finding[]> {
  return [
    await checkNodes(options),
    checkReplicas(options, (await readReplication(options.caller, options.timeout)) ?? {}),
    await checkClock(options),
    checkCommitLog(await readCommitlogSync(options)),
  ];
}

async function checkNodes(options: DiagnosisOptions): Promise<Finding> {
  const { caller, settings, timeout } = options;
  const { rows } = await caller.read("SELECT release_version FROM system.local", [], timeout);
  const nodes = caller.client.hosts.values();
  const down = nodes.filter((node) => !node.isUp()).map(({ address }) => address);
  const several = settings.dataCenter === SEVERAL_DATA_CENTERS;
  const where = several ? "QUORUM over all data centres" : `LOCAL_QUORUM in ${settings.dataCenter}`;
  const text = `Cassandra ${rows[0]?.release_version}, ${where}, ${settings.shards} shards; ${nodes.length - down.length} of ${nodes.length} nodes up`;
  if (down.length === 0) return { check: "nodes", status: "ok", text };
  return { check: "nodes", status: "warning", text, advice: `These are thought to be down: ${down.join(", ")}.` };
}

function checkReplicas({ settings }: DiagnosisOptions, replication: Record<string, string>): Finding {
  const { class: strategy, ...factors } = replication;
  const own = Number(
    factors[settings.dataCenter] ?? factors.replication_factor ?? Math.max(...Object.values(factors).map(Number)),
  );
  const text = `${strategy?.split(".").at(-1)}, ${Object.entries(factors)
    .map(([name, factor]) => `${name}: ${factor}`)
    .join(", ")}`;
  const mayFail = Math.floor((own - 1) / 2);
  if (mayFail > 0) return { check: "replicas", status: "ok", text: `${text}: ${mayFail} may be down` };
  const advice = "While a node is down, its tasks can't be saved or read. With 3 replicas, one node may be down.";
  return { check: "replicas", status: "warning", text: `${text}: none may be down`, advice };
}

/** A round trip gives a lower and an upper bound of the deviation. */
async function checkClock({ clockLimit, session, timeout }: DiagnosisOptions): Promise<Finding> {
  const { clock } = processRuntime;
  const before = clock.now();
  const server = await session.readClock(timeout);
  const after = clock.now();
  const deviation = server > after ? server - after : server + 1000n < before ? before - server - 1000n : 0n;
  const limit = `the limit is ${toMilliseconds(clockLimit)} ms`;
  if (deviation * 2n < clockLimit)
    return {
      check: "clock",
      status: "ok",
      text: `at most ${toMilliseconds(deviation) + toMilliseconds(after - before)} ms off Cassandra's; ${limit}`,
    };
  const text = `at least ${toMilliseconds(deviation)} ms ${server > after ? "behind" : "ahead of"} Cassandra's; ${limit}`;
  const advice = "Set it right (NTP), here and on Cassandra's hosts: beyond the limit saves are refused.";
  return { check: "clock", status: deviation > clockLimit ? "problem" : "warning", text, advice };
}

/** The setting of the node that answers. */
function checkCommitLog(sync: string | undefined): Finding {
  if (sync === undefined) return { check: "commit log", status: "ok", text: "commitlog_sync can't be read here" };
  if (sync !== "periodic") return { check: "commit log", status: "ok", text: `commitlog_sync is ${sync}` };
  const advice =
    "A node that is killed loses its last writes; with one replica, or if the other replicas missed them, they are lost for good." +
    ' Set it to "batch" or "group" to prevent this (docs/cassandra.md).';
  return { check: "commit log", status: "warning", text: "commitlog_sync is periodic", advice };
}

/** Undefined if the user may not read it, or the server has no such table. */
async function readCommitlogSync({ caller, timeout }: DiagnosisOptions): Promise<string | undefined> {
  const query = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";
  const { rows } = await caller.read(query, [], timeout).catch(() => ({ rows: [] }));
  return (rows[0] as { value?: string } | undefined)?.value ?? undefined;
}

import type { Client, types } from "cassandra-driver";
import type { Finding } from "../../adapter/adapter.js";
import { toMilliseconds, type Version } from "../../core/version.js";
import { type LedgerSettings, SEVERAL_DATA_CENTERS } from "./model/settings.js";
import type { Runtime } from "./runtime.js";
import { readReplication } from "./schema/check.js";

/** What is checked, and how. */
export interface DiagnosisOptions {
  readonly client: Client;
  readonly keyspace: string;
  readonly settings: LedgerSettings;
  readonly runtime: Runtime;
  /** Maximum deviation of this host's clock, in microseconds. */
  readonly clockLimit: Version;
  readonly readClock: () => Promise<Version>;
  /** In milliseconds. */
  readonly timeout: number;
}

/** The state of the cluster, as a client sees it. Throws what the driver throws. */
export async function diagnose(options: DiagnosisOptions): Promise<Finding[]> {
  const [replication, commitLog] = [
    await readReplication(options.client, options.keyspace),
    await readCommitlogSync(options),
  ];
  return [
    await checkNodes(options),
    checkReplicas(options, replication ?? {}),
    await checkClock(options),
    checkCommitLog(commitLog),
  ];
}

async function checkNodes(options: DiagnosisOptions): Promise<Finding> {
  const { client, settings } = options;
  const [local] = await read(options, "SELECT release_version FROM system.local");
  const nodes = client.hosts.values();
  const down = nodes.filter((node) => !node.isUp()).map(({ address }) => address);
  const several = settings.dataCenter === SEVERAL_DATA_CENTERS;
  const where = several ? "QUORUM over all data centres" : `LOCAL_QUORUM in ${settings.dataCenter}`;
  const text = `Cassandra ${local?.release_version}, ${where}, ${settings.shards} shards; ${nodes.length - down.length} of ${nodes.length} nodes up`;
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
async function checkClock({ runtime, clockLimit, readClock }: DiagnosisOptions): Promise<Finding> {
  const before = runtime.clock.now();
  const server = await readClock();
  const after = runtime.clock.now();
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
async function readCommitlogSync(options: DiagnosisOptions): Promise<string | undefined> {
  const query = "SELECT value FROM system_views.settings WHERE name = 'commitlog_sync'";
  const [row] = await read(options, query).catch(() => []);
  return (row?.value as string | undefined) ?? undefined;
}

async function read({ client, timeout }: DiagnosisOptions, query: string): Promise<readonly types.Row[]> {
  return (await client.execute(query, [], { prepare: true, isIdempotent: true, readTimeout: timeout })).rows;
}

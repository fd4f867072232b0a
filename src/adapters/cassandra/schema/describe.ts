import type { SchemaInit } from "../connect.js";
import { DEFAULT_SHARDS } from "../model/partition.js";
import { DEFAULT_GRACE_PERIOD, SEVERAL_DATA_CENTERS, settingRows } from "../model/settings.js";
import { checkSchemaOptions, creation } from "./tables.js";

/** The first release of Cassandra that has the requested compaction strategy. */
const MAJOR = 5;

/**
 * The CQL that creates the keyspace, its tables and its settings, for `cqlsh` and a client in this data centre. Throws
 * INVALID_ARGUMENT.
 */
export function describeSchema(options: { readonly keyspace: string } & SchemaInit, dataCenter: string): string {
  const {
    keyspace,
    replication,
    shards = DEFAULT_SHARDS,
    severalDataCenters,
    gracePeriod = DEFAULT_GRACE_PERIOD,
  } = options;
  checkSchemaOptions(keyspace, replication, { shards, gracePeriod });
  const settings = { shards, dataCenter: severalDataCenters ? SEVERAL_DATA_CENTERS : dataCenter, gracePeriod };
  const rows = Object.entries(settingRows(settings)).map(
    ([name, value]) => `INSERT INTO "${keyspace}".settings (name, value) VALUES ('${name}', '${value}') IF NOT EXISTS`,
  );
  return [...creation(keyspace, replication, MAJOR), ...rows].map((statement) => `${statement};\n`).join("");
}

import type { Client } from "cassandra-driver";
import { settingRows } from "../../src/adapters/cassandra/model/settings.js";
import { tables } from "../../src/adapters/cassandra/schema/tables.js";

/** The columns of all tables, as Cassandra describes them. */
export function describedColumns() {
  return Object.entries(tables).flatMap(([table_name, described]) =>
    Object.entries(described).map(([column_name, description]) => {
      const [type, kind, position, clustering_order] = description.split(" ");
      return { table_name, column_name, type, kind, position, clustering_order };
    }),
  );
}

/** A client of a keyspace that has its tables, and nothing in them. */
export function emptyKeyspace(hangs = (_query: string) => false): Client {
  const settings = Object.entries(settingRows({ shards: 1, dataCenter: "dc1", gracePeriod: 600_000 }));
  const answers: readonly (readonly [string, readonly object[]])[] = [
    ["system_schema.columns", describedColumns()],
    ["system_schema.tables", []],
    [".settings", settings.map(([name, value]) => ({ name, value }))],
    ["data_center", [{ data_center: "dc1" }]],
  ];
  const execute = async (query: string) => {
    if (hangs(query)) return new Promise(() => {});
    const rows = answers.find(([part]) => query.includes(part))?.[1];
    return { rows: rows ?? (query.includes("now()") ? [{ now: Date.now() }] : []), info: {} };
  };
  return { connect: async () => undefined, execute } as unknown as Client;
}

import { type Host, tracker } from "cassandra-driver";
import { DataInterface } from "taskledger";
import { CassandraAdapter } from "taskledger/cassandra";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { driverOptions, newKeyspace, rawClient, replication, shutDown } from "./connection.js";

const keyspace = newKeyspace("readonly");
const client = rawClient();
const types = [FetchFileTask];

/** Whatever is sent that does not read. */
const written: string[] = [];
class WriteNoter extends tracker.RequestLogger {
  override onSuccess(_host: Host, query: unknown): void {
    if (!String(query).startsWith("SELECT")) written.push(String(query));
  }
}

const requestTracker = new WriteNoter({ slowThreshold: 60_000 });
const adapter = new CassandraAdapter({ ...driverOptions, keyspace, readOnly: true, requestTracker });
const reader = new DataInterface({ types, adapter });
const writer = new DataInterface({ types, adapter: new CassandraAdapter({ client, keyspace }) });

beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  const some = Array.from({ length: 20 }, (_, i) => FetchFileTask.build({ taskList: "l", id: `${i}` }));
  await writer.saveAll(some);
  await writer.completeAll(some.slice(10));
});
afterAll(async () => {
  await reader.close();
  await writer.close();
  await shutDown(client);
});

describe("a keyspace that is open read-only", () => {
  test("refuses every write, and none of them was applied", async () => {
    const task = (await reader.find("l", "1")) as FetchFileTask;
    const claim = await writer.claim((await writer.find("l", "2")) as FetchFileTask);
    const refused = [
      () => reader.save(FetchFileTask.build({ taskList: "l", id: "new" })),
      () =>
        reader.saveAll([FetchFileTask.build({ taskList: "l", id: "new" })]).catch(({ cause }) => Promise.reject(cause)),
      () => reader.complete(task),
      () => reader.claim(task),
      () => adapter.claims.renew({ taskList: "l", id: "2", token: claim?.token ?? 0n }, 60_000),
      () => adapter.claims.release({ taskList: "l", id: "2", token: claim?.token ?? 0n }, 0),
      () => adapter.sweep("l"),
    ];
    for (const write of refused)
      await expect(write()).rejects.toMatchObject({ code: "UNSUPPORTED", outcome: "not-applied" });
    expect(written).toEqual([]);
  });

  test("lists, finds, counts and names, and sends nothing but SELECT", async () => {
    const ids: string[] = [];
    for await (const { id } of reader.all("l")) ids.push(id);
    expect(ids).toHaveLength(10);
    expect(await reader.find("l", "3")).toBeInstanceOf(FetchFileTask);
    expect(await reader.stats("l")).toMatchObject({ open: 10, claimed: 1 });
    const names: string[] = [];
    for await (const name of reader.lists()) names.push(name);
    expect(names).toEqual(["l"]);
    expect(written).toEqual([]);
  });
});

import { type Context, scaled } from "../benchmark.js";
import { failedRow, type Row, toRow } from "../row.js";
import { storedBytes } from "../tasks.js";
import { LEDGER, others } from "./open.js";
import { Relay } from "./relay.js";

const COUNT = 1_000;
const CONCURRENCY = 16;
const UNIT = "bytes/task";

/** The bytes on the wire in the life of a task, in both directions, between processes and the server. */
export async function* run(context: Context): AsyncGenerator<Row, void> {
  const count = scaled(context, COUNT);
  const [task] = await storedBytes("work", 1);
  yield toRow({
    name: `on the wire: ${LEDGER}`,
    unit: UNIT,
    values: [(task as Buffer).length],
    note: "the task, to the worker; the store is a file",
  });
  for (const [name, { whyNot, start, open }] of Object.entries(others)) {
    const reason = whyNot();
    if (reason !== undefined) {
      yield failedRow(`on the wire: ${name}`, UNIT, `left out: ${reason}`);
      continue;
    }
    await using server = await start();
    await using relay = await Relay.open(server.port);
    await using peer = await open(relay.port);
    await peer.live(count, CONCURRENCY); // connects, and loads its scripts
    const before = relay.bytes;
    await peer.live(count, CONCURRENCY);
    const note = "to the server and back, the worker's part included";
    yield toRow({ name: `on the wire: ${name}`, unit: UNIT, values: [(relay.bytes - before) / count], note });
  }
}

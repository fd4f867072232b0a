import type { Context } from "../benchmark.js";
import { openSides } from "../cassandra/clients.js";
import { coordinatesIn } from "../cassandra/context.js";
import type { Row } from "../row.js";
import { measureClientCpu } from "./client-cpu.js";

export async function* run(context: Context): AsyncGenerator<Row, void> {
  await using sides = await openSides(coordinatesIn(context), "client_cpu");
  yield* measureClientCpu("Cassandra", sides.adapter, 10_000, context);
}

import { connect as dial } from "node:net";
import { framesOf, HEADER } from "../cassandra-adapter/misdirecting-relay.js";
import { StandIn } from "../cassandra-adapter/stand-in.js";

const BATCH = 13;

/** Stands in a node's place, and passes on everything but batches, which are what saves and completes send. */
export class BatchSink extends StandIn {
  constructor(node: { readonly host: string; readonly port: number }) {
    super(async (caller) => {
      const callee = dial({ ...node, noDelay: true }).on("error", () => caller.destroy());
      caller.on("close", () => callee.destroy());
      callee.on("close", () => caller.destroy()).pipe(caller);
      for await (const frame of framesOf(caller)) if (frame.readUInt8(HEADER.opcode) !== BATCH) callee.write(frame);
    });
  }
}

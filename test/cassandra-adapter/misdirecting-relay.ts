import { connect as dial, type Socket } from "node:net";
import { types } from "cassandra-driver";
import { StandIn } from "./stand-in.js";

/** A frame's header, as versions 3 and 4 of the protocol have it: version, flags, stream, opcode, and the body's length. */
export const HEADER = { stream: 2, opcode: 4, bodyLength: 5, length: 9 };
const OPCODES = { error: 0, result: 8 };

/** What Cassandra 5.0.6 sends, on stream 0, in place of the answer to a request on any stream that has waited too long. */
const MISDIRECTED = errorFrame(0, types.responseErrorCodes.overloaded, "Query timed out before it could start");

/** Stands in a node's place, and passes everything on. Once told to, it refuses some requests, as Cassandra does. */
export class MisdirectingRelay extends StandIn {
  /** In place of one result of so many comes an error that names another request. */
  interval = Infinity;
  /** How many requests have been refused. */
  refused = 0;

  constructor(node: { readonly host: string; readonly port: number }) {
    super((caller) => {
      const callee = dial({ ...node, noDelay: true }).on("error", () => caller.destroy());
      caller.on("close", () => callee.destroy()).pipe(callee);
      callee.on("close", () => caller.destroy());
      void this.#answer(callee, caller).catch(() => caller.destroy());
    });
  }

  async #answer(callee: Socket, caller: Socket): Promise<void> {
    let results = 0;
    for await (const frame of framesOf(callee)) {
      const isRefused = frame.readUInt8(HEADER.opcode) === OPCODES.result && ++results >= this.interval;
      caller.write(isRefused ? MISDIRECTED : frame);
      if (!isRefused) continue;
      this.refused++;
      results = 0;
    }
  }
}

export async function* framesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER.length) {
      const length = HEADER.length + rest.readInt32BE(HEADER.bodyLength);
      if (rest.length < length) break;
      yield rest.subarray(0, length);
      rest = rest.subarray(length);
    }
  }
}

function errorFrame(stream: number, code: number, message: string): Buffer {
  const frame = Buffer.alloc(HEADER.length + 4 + 2 + message.length);
  frame.writeUInt8(0x84); // an answer, of version 4
  frame.writeInt16BE(stream, HEADER.stream);
  frame.writeUInt8(OPCODES.error, HEADER.opcode);
  frame.writeInt32BE(frame.length - HEADER.length, HEADER.bodyLength);
  frame.writeInt32BE(code, HEADER.length);
  frame.writeUInt16BE(message.length, HEADER.length + 4);
  frame.write(message, HEADER.length + 6);
  return frame;
}

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { KeyAndCertificate } from "./certificates.js";

export interface FakeNodeOptions {
  /** 127.0.0.1 by default. */
  readonly address?: string;
  /** Any free one by default. */
  readonly port?: number;
  /** Without it, connections are not encrypted. */
  readonly tls?: KeyAndCertificate;
  /** The addresses of the other nodes of its cluster, which it tells its clients. */
  readonly peers?: readonly string[];
  /** Whether it takes any password; else it takes none. */
  readonly takesPasswords?: boolean;
}

/** The parts of Cassandra's native protocol, version 4, by which a client connects. */
const VERSION = 4;
const HEADER = 9;
const opcodes = {
  error: 0x00,
  startup: 0x01,
  ready: 0x02,
  authenticate: 0x03,
  options: 0x05,
  supported: 0x06,
  query: 0x07,
  result: 0x08,
  register: 0x0b,
  authResponse: 0x0f,
  authSuccess: 0x10,
};
const errorCodes = { protocol: 0x000a, badCredentials: 0x0100, invalid: 0x2200 };

/**
 * Stands in a node's place as far as connecting goes, and asks for a password. It notes those that it is told: what is
 * refused before, is refused without telling it.
 */
export class FakeNode {
  readonly address: string;
  /** The passwords that clients have sent it. */
  readonly passwords: string[] = [];
  /** How many connections were made, as far as TCP goes. */
  connections = 0;
  readonly #options: FakeNodeOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(options: FakeNodeOptions = {}) {
    const { address = "127.0.0.1", tls } = options;
    this.address = address;
    this.#options = options;
    const serve = (socket: Socket) => this.#serve(socket);
    this.#server = tls ? createTlsServer(tls, serve) : createServer(serve);
    this.#server.on("connection", (socket) => {
      this.connections++;
      this.#sockets.add(socket.on("error", () => {}).on("close", () => this.#sockets.delete(socket)));
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<this> {
    await once(this.#server.listen(this.#options.port ?? 0, this.address), "listening");
    return this;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #serve(socket: Socket): void {
    let received: Buffer = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (data) => {
      received = Buffer.concat([received, data]);
      while (received.length >= HEADER && received.length >= HEADER + received.readInt32BE(5)) {
        const end = HEADER + received.readInt32BE(5);
        socket.write(this.#answer(received.subarray(0, end)));
        received = received.subarray(end);
      }
    });
  }

  #answer(request: Buffer): Buffer {
    const [version, opcode, body] = [request[0], request[4], request.subarray(HEADER)];
    const [answer, content] = this.#contentOf(version as number, opcode as number, body);
    const header = Buffer.from([0x80 | VERSION, 0, request[2] as number, request[3] as number, answer]);
    return Buffer.concat([header, int(content.length), content]);
  }

  #contentOf(version: number, opcode: number, body: Buffer): [opcode: number, body: Buffer] {
    if (version !== VERSION) return failure(errorCodes.protocol, "Invalid or unsupported protocol version");
    switch (opcode) {
      case opcodes.options:
        return [opcodes.supported, short(0)];
      case opcodes.startup:
        return [opcodes.authenticate, string("org.apache.cassandra.auth.PasswordAuthenticator")];
      case opcodes.authResponse:
        this.passwords.push(body.subarray(4).toString().split("\0")[2] as string);
        if (!this.#options.takesPasswords)
          return failure(errorCodes.badCredentials, "username and/or password are wrong");
        return [opcodes.authSuccess, int(-1)];
      case opcodes.register:
        return [opcodes.ready, Buffer.alloc(0)];
      case opcodes.query:
        return [opcodes.result, this.#rowsOf(body.subarray(4, 4 + body.readInt32BE(0)).toString())];
      default:
        return failure(errorCodes.invalid, "this node knows no tables");
    }
  }

  #rowsOf(query: string): Buffer {
    if (query.includes("system.local")) return rows([describeNode(this.address)]);
    const { peers = [] } = this.#options;
    return rows(query.includes("system.peers") ? peers.map(describeNode) : []);
  }
}

type Cell = readonly [type: Buffer, value: Buffer];

function describeNode(address: string): Record<string, Cell> {
  return {
    peer: inet(address),
    rpc_address: inet(address),
    data_center: text("dc1"),
    rack: text("rack1"),
    release_version: text("4.1.0"),
    partitioner: text("org.apache.cassandra.dht.Murmur3Partitioner"),
    tokens: [
      Buffer.concat([short(0x22), short(0x0d)]),
      Buffer.concat([int(1), bytes(Buffer.from(`${address.at(-1)}`))]),
    ],
  };
}

function rows(table: readonly Record<string, Cell>[]): Buffer {
  const columns = Object.entries(table[0] ?? {});
  const names = columns.map(([name, [type]]) => Buffer.concat([string(name), type]));
  const cells = table.flatMap((row) => Object.values(row).map(([, value]) => bytes(value)));
  const metadata = [int(1), int(columns.length), string("system"), string("nodes"), ...names];
  return Buffer.concat([int(2), ...metadata, int(table.length), ...cells]);
}

function failure(code: number, message: string): [opcode: number, body: Buffer] {
  return [opcodes.error, Buffer.concat([int(code), string(message)])];
}

function text(value: string): Cell {
  return [short(0x0d), Buffer.from(value)];
}

function inet(address: string): Cell {
  return [short(0x10), Buffer.from(address.split(".").map(Number))];
}

function int(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function short(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

function string(value: string): Buffer {
  return Buffer.concat([short(Buffer.byteLength(value)), Buffer.from(value)]);
}

function bytes(value: Buffer): Buffer {
  return Buffer.concat([int(value.length), value]);
}

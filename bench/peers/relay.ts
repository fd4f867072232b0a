import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A port that forwards to another one, and counts the bytes in both directions. */
export class Relay implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  bytes = 0;

  static async open(to: number): Promise<Relay> {
    const relay = new Relay(to);
    await once(relay.#server, "listening");
    return relay;
  }

  private constructor(to: number) {
    this.#server = createServer((from) => this.#join(from, connect(to, "127.0.0.1"))).listen(0, "127.0.0.1");
  }

  get port(): number {
    return (this.#server.address() as { readonly port: number }).port;
  }

  #join(...pair: readonly [Socket, Socket]): void {
    for (const [from, to] of [pair, pair.toReversed()] as [Socket, Socket][]) {
      this.#sockets.add(from);
      from.setNoDelay(true);
      from.on("data", (data) => {
        this.bytes += data.length;
        to.write(data);
      });
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** Listens in a node's place, for those that are told of it as a contact point. */
export class StandIn {
  readonly connections = new Set<Socket>();
  readonly #server;

  constructor(take: (caller: Socket) => void) {
    this.#server = createServer({ noDelay: true }, (caller) => {
      this.connections.add(caller);
      caller.on("error", () => {}).on("close", () => this.connections.delete(caller));
      take(caller);
    });
  }

  /** Gives the contact point. */
  async listen(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
    for (const connection of this.connections) connection.destroy();
  }
}

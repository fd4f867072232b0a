import { once } from "node:events";
import { type AddressInfo, createServer, connect as dial, type Socket } from "node:net";

/** Stands in a node's place. As long as it is silent, it takes connections and requests, and keeps what is to be passed on. */
export class SilentServer {
  readonly connections = new Set<Socket>();
  #isSilent = true;
  #kept: (() => void)[] = [];
  readonly #server;

  constructor(node?: { readonly host: string; readonly port: number }) {
    this.#server = createServer((caller) => {
      this.connections.add(caller);
      caller.on("error", () => {}).on("close", () => this.connections.delete(caller));
      if (node === undefined) return void caller.resume();
      const callee = dial(node).on("error", () => caller.destroy());
      caller.on("data", (data) => this.#pass(() => callee.write(data))).on("close", () => callee.destroy());
      callee.on("data", (data) => caller.write(data)).on("close", () => caller.destroy());
    });
  }

  /** Gives the contact point. */
  async listen(): Promise<string> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  speak(): void {
    this.#isSilent = false;
    for (const pass of this.#kept.splice(0)) pass();
  }

  close(): void {
    this.#server.close();
    for (const connection of this.connections) connection.destroy();
  }

  #pass(pass: () => void): void {
    if (this.#isSilent) this.#kept.push(pass);
    else pass();
  }
}

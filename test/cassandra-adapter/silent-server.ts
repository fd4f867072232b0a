import { connect as dial } from "node:net";
import { StandIn } from "./stand-in.js";

/** Stands in a node's place. As long as it is silent, it takes connections and requests, and keeps what is to be passed on. */
export class SilentServer extends StandIn {
  #isSilent = true;
  #kept: (() => void)[] = [];

  constructor(node?: { readonly host: string; readonly port: number }) {
    super((caller) => {
      if (node === undefined) return void caller.resume();
      const callee = dial(node).on("error", () => caller.destroy());
      caller.on("data", (data) => this.#pass(() => callee.write(data))).on("close", () => callee.destroy());
      callee.on("data", (data) => caller.write(data)).on("close", () => caller.destroy());
    });
  }

  speak(): void {
    this.#isSilent = false;
    for (const pass of this.#kept.splice(0)) pass();
  }

  #pass(pass: () => void): void {
    if (this.#isSilent) this.#kept.push(pass);
    else pass();
  }
}

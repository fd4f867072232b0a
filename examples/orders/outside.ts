import { setTimeout as sleep } from "node:timers/promises";
import type { ExecuteContext } from "taskledger";
import type { Settings } from "./settings.js";

/** A service that tasks need for their work: a client of the outside world. */
export class Outside {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** Works for a while, then requests an action. With the claim's token, the server can refuse a request that is too late. */
  async ask(what: string, order: string, context: ExecuteContext, details: Readonly<Record<string, string>> = {}) {
    const { name, world, timing, isDeaf } = this.#settings;
    const heeded = isDeaf ? {} : { signal: context.signal };
    await sleep(timing.work * (0.5 + Math.random()), undefined, heeded);
    const token = String(context.claim?.token ?? 0);
    const body = JSON.stringify({ what, order, by: name, token, details });
    const { status } = await fetch(world, { method: "POST", body, ...heeded });
    if (status !== 200) throw new Error(status === 402 ? "the card was declined" : `${what} answered ${status}`);
  }
}

declare module "taskledger" {
  interface Services {
    readonly outside: Outside;
  }
}

import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";

/** Something that was done in the world, for good. */
export interface Deed {
  /** Who did it: the bank, the post office… */
  readonly what: string;
  readonly order: string;
  /** The name of the process that asked for it. */
  readonly by: string;
  /** Of the claim under which it was asked for. */
  readonly token: string;
  readonly details: Readonly<Record<string, string>>;
}

/**
 * The world outside of the shop, as an HTTP server: a bank, a post office, a search engine. It remembers what it was asked to do.
 * Of two that ask for the same, it refuses who comes with the lower token, or again with the same.
 */
export class World {
  readonly #server: Server;
  readonly deeds: Deed[] = [];
  /** What was asked for by who was too late. */
  readonly refused: Deed[] = [];
  /** Cards that the bank declines. */
  readonly declined: Set<string> = new Set();
  readonly #tokens = new Map<string, bigint>();

  static async begin(): Promise<World> {
    const world = new World();
    world.#server.listen(0, "127.0.0.1");
    await once(world.#server, "listening");
    return world;
  }

  private constructor() {
    this.#server = createServer(async (request, response) => {
      response.statusCode = this.#judge(JSON.parse(await textOf(request)));
      response.end();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as { readonly port: number }).port}`;
  }

  /** How often each thing was done, by its name and order. */
  get counts(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    for (const { what, order } of this.deeds) {
      const name = `${what} ${order}`;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  }

  async end(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  #judge(deed: Deed): number {
    const name = `${deed.what} ${deed.order}`;
    const token = BigInt(deed.token);
    if (this.declined.has(deed.details.card ?? "")) return 402;
    if (token <= (this.#tokens.get(name) ?? -1n)) {
      this.refused.push(deed);
      return 409;
    }
    this.#tokens.set(name, token);
    this.deeds.push(deed);
    return 200;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}

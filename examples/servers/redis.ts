import { Folder, findProgram, Server } from "./server.js";

/** Why no Redis can be started here; undefined if one can. */
export function whyNoRedis(): string | undefined {
  return findProgram("redis-server") ? undefined : "there is no redis-server (Debian: apt-get install redis-server)";
}

/** A Redis that flushes each write to the disk before it acknowledges it, as durable as the ledger. */
export async function startRedis(): Promise<Server> {
  const program = findProgram("redis-server");
  if (program === undefined) throw new Error(whyNoRedis());
  const options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "always"];
  return Server.start(program, (port) => ["--port", String(port), ...options], new Folder("redis"), "Ready to accept");
}

import { Redis } from "ioredis";
import PgBoss from "pg-boss";
import { postgresUrl, startPostgres, whyNoPostgres } from "../../servers/postgres.js";
import { startRedis, whyNoRedis } from "../../servers/redis.js";
import { Broker } from "./broker.js";
import { BossQueue } from "./pg-boss.js";
import type { QueueAddress } from "./queue.js";

export type QueueKind = QueueAddress["kind"];

/** The server of a queue, which is started for it; for pipes, a broker in this process. */
export interface QueueServer {
  readonly address: QueueAddress;
  readonly broker?: Broker;
  /** Drops all waiting messages. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/** Why a queue can't be used here; undefined if it can. */
export function whyNoQueue(kind: QueueKind): string | undefined {
  return kind === "bullmq" ? whyNoRedis() : kind === "pg-boss" ? whyNoPostgres() : undefined;
}

export function startQueue(kind: QueueKind): Promise<QueueServer> {
  return kind === "bullmq" ? startBullMQ() : kind === "pg-boss" ? startPgBoss() : startPipes();
}

async function startPipes(): Promise<QueueServer> {
  const broker = new Broker();
  return { address: { kind: "pipes" }, broker, flush: async () => broker.flush(), stop: async () => {} };
}

async function startBullMQ(): Promise<QueueServer> {
  const server = await startRedis();
  const redis = new Redis(server.port);
  return {
    address: { kind: "bullmq", port: server.port },
    flush: async () => void (await redis.flushall()),
    async stop() {
      redis.disconnect();
      await server.stop();
    },
  };
}

async function startPgBoss(): Promise<QueueServer> {
  const server = await startPostgres();
  const url = postgresUrl(server);
  const boss = await new PgBoss(url).start();
  boss.on("error", () => {}); // for example if the server has been stopped
  await BossQueue.create(boss);
  return {
    address: { kind: "pg-boss", url },
    flush: () => boss.clearStorage(),
    async stop() {
      await boss.stop({ graceful: false });
      await server.stop();
    },
  };
}

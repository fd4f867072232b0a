import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createDeflateRaw, createInflateRaw } from "node:zlib";
import { decodeFrames, encodeFrames, type Task } from "taskledger";
import { expect, test, vi } from "vitest";
import { described, filesToFetch, types } from "./mixed-tasks.js";

vi.setConfig({ testTimeout: 60_000 });

const given = filesToFetch(300);
const frames = () => encodeFrames(given, { maxBatchTasks: 100 });

async function tasksOf(source: Parameters<typeof decodeFrames>[0]): Promise<unknown[]> {
  const all: Task[] = [];
  for await (const task of decodeFrames(source, { types })) all.push(task);
  return described(all);
}

async function listen(server: Server | HttpServer): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("frames go through a Node stream, compressed or not", async () => {
  const plain = new PassThrough();
  const sent = pipeline(frames(), plain);
  expect(await tasksOf(plain)).toEqual(described(given));
  await sent;
  const inflated = createInflateRaw();
  const sentDeflated = pipeline(frames(), createDeflateRaw(), inflated);
  expect(await tasksOf(inflated)).toEqual(described(given));
  await sentDeflated;
});

test("frames go through a web stream", async () => {
  expect(await tasksOf(ReadableStream.from(frames()))).toEqual(described(given));
  expect(await tasksOf(new Response(ReadableStream.from(frames())).body as ReadableStream<Uint8Array>)).toEqual(
    described(given),
  );
});

test("frames lie in a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "frames-"));
  try {
    await pipeline(frames(), createWriteStream(join(folder, "tasks")));
    expect(await tasksOf(createReadStream(join(folder, "tasks")))).toEqual(described(given));
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("frames go over a socket, and the reader answers when all have come", async () => {
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    socket.end(`${(await tasksOf(socket)).length} tasks`);
  });
  const socket = connect({ port: await listen(server), host: "127.0.0.1", allowHalfOpen: true });
  await pipeline(frames(), socket);
  expect(await textOf(socket)).toBe("300 tasks");
  server.close();
});

test("frames are the bodies of a request and of a response", async () => {
  const server = createHttpServer(async (request, response) => {
    const tasks = decodeFrames(request, { types });
    await pipeline(encodeFrames(tasks), response);
  });
  const url = `http://127.0.0.1:${await listen(server)}`;
  const init = { method: "POST", body: ReadableStream.from(frames()), duplex: "half" } as RequestInit;
  const response = await fetch(url, init);
  expect(await tasksOf(response.body as ReadableStream<Uint8Array>)).toEqual(described(given));
  server.close();
});

test("a sender waits for a reader that is slow", async () => {
  let sent = 0;
  async function* counted() {
    for (const task of given) {
      sent++;
      yield task;
    }
  }
  const channel = new PassThrough({ highWaterMark: 1000 });
  const sending = pipeline(encodeFrames(counted(), { maxBatchTasks: 1 }), channel);
  const tasks = decodeFrames(channel, { types });
  for (let i = 0; i < 10; i++) {
    await tasks.next();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  expect(sent).toBeLessThan(100);
  await tasks.return();
  await expect(sending).rejects.toThrow();
});

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const chunk of socket) text += chunk;
  return text;
}

import { readFileSync } from "node:fs";
import { DataInterface, isTaskError, OpaqueTask } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { describe, expect, test } from "vitest";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import { readFrames } from "../../src/batch/frames.js";
import { knowingInterface, makeManifest } from "./make-manifest.js";
import type { Manifest } from "./manifest.js";

const manifest: Manifest = JSON.parse(readFileSync(new URL("manifest.json", import.meta.url), "utf8"));
const tasks = knowingInterface();
const bytesOf = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

test("the manifest is what `npm run vectors` makes", () => {
  expect(manifest).toEqual(JSON.parse(JSON.stringify(makeManifest())));
});

describe("an envelope", () => {
  test.each(manifest.envelopes)("$name", ({ binary, hash, fields }) => {
    const task = tasks.fromBinary(bytesOf(binary));
    expect(base64(task.toBinary())).toBe(binary);
    expect(task.asHash()).toEqual(hash);
    expect(base64(tasks.fromHash(hash).toBinary())).toBe(binary);
    expect(task instanceof OpaqueTask).toBe(fields.isOpaque);
  });

  test.each(manifest.envelopes)("$name, passed on by a process that knows no type", ({ binary }) => {
    const ignorant = new DataInterface({ types: [], adapter: new MemoryAdapter() });
    const task = ignorant.fromBinary(bytesOf(binary));
    expect(base64(task.toBinary())).toBe(binary);
    expect(base64(tasks.fromHash(JSON.parse(JSON.stringify(task))).toBinary())).toBe(binary);
  });
});

test.each(manifest.hashes)("a hash with $name is read", ({ text, binary, ignoreUnknownFields, limit }) => {
  expect(base64(readerOf(limit).fromHash(JSON.parse(text), { ignoreUnknownFields }).toBinary())).toBe(binary);
});

test.each(manifest.refused)("$name: $code", ({ binary, text, limit, code }) => {
  const reader = readerOf(limit);
  const read = () =>
    binary === undefined ? reader.fromHash(JSON.parse(text as string)) : reader.fromBinary(bytesOf(binary));
  expect(codeOf(read)).toBe(code);
});

function readerOf(limit: number | undefined) {
  return new DataInterface({
    types: tasks.types,
    adapter: new MemoryAdapter(),
    ...(limit && { maxTaskBytes: limit }),
  });
}

/** The code of the error that is thrown. What is no JSON at all is refused by JSON.parse. */
function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof SyntaxError) return "INVALID_HASH";
    if (isTaskError(error)) return error.code;
    throw error;
  }
  return undefined;
}

test.each(manifest.streams)("a stream of $name", async ({ stream, frames, error }) => {
  const read: string[] = [];
  const reading = async () => {
    for await (const frames of readFrames([bytesOf(stream)], tasks.maxTaskBytes, undefined))
      for (const frame of frames) read.push(base64(frame));
  };
  if (error) await expect(reading()).rejects.toMatchObject({ code: error });
  else await reading();
  expect(read).toEqual(frames);
});

test.each(manifest.batches)("a batch with $name", ({ binary, envelopes, code }) => {
  const options = { types: [], adapter: new MemoryAdapter() };
  const read = () => [...new DataInterface(options).fromBatch(bytesOf(binary))];
  if (code !== null) expect(codeOf(read)).toBe(code);
  else expect(read().map((task) => base64(task.toBinary()))).toEqual(envelopes);
});

test.each(manifest.saves)("a save of $name", async ({ binary, limit, body, code }) => {
  const saver = new DataInterface({ types: [], adapter: new MemoryAdapter(), maxTaskBytes: limit });
  const save = async () => saver.save(saver.fromBinary(bytesOf(binary)) as OpaqueTask);
  if (code !== null) return expect(save()).rejects.toMatchObject({ code });
  const { taskList, id } = await save();
  const [stored] = await saver.adapter.find([{ taskList, id }]);
  expect(base64(stored?.body ?? new Uint8Array())).toBe(body);
});

test.each(manifest.stored)("$name in a store", async ({ taskList, id, version, body, envelope }) => {
  const adapter = new MemoryAdapter();
  adapter.find = async () => [{ id, savedAt: BigInt(version), body: bytesOf(body) }];
  const task = await new DataInterface({ types: [], adapter }).find(taskList, id);
  expect(base64(task?.toBinary() ?? new Uint8Array())).toBe(envelope);
});

test.each(manifest.placements)("the place of $id", ({ id, shards }) => {
  for (const [count, shard] of Object.entries(shards)) expect(shardOf(id, Number(count))).toBe(shard);
});

import { createHash } from "node:crypto";
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { v4, v7 } from "uuid";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { FetchFileTask } from "../tasks.js";

const START = Date.UTC(2026, 5, 17);

/** A small task, as a generator builds one about every 40 ms; it depends only on its number, so that all runs have the same. */
export function tinyTask(index: number): FetchFileTask {
  const { digest, createdAt } = seedOf(index);
  return taskOf(digest, createdAt, v4({ random: digest.subarray(16) }));
}

/** The same with a default id, and saved soon after it was built. */
export function savedTinyTask(index: number): FetchFileTask {
  const { digest, createdAt } = seedOf(index);
  const task = taskOf(digest, createdAt, v7({ msecs: createdAt, random: digest.subarray(16) }));
  const savedAt = timestampFromDate(new Date(createdAt + 1 + (digest.readUInt8(10) % 4)));
  savedAt.nanos += 123_000; // a process adds the same microseconds to all of its versions
  const stamp = toBinary(TaskEnvelopeSchema, create(TaskEnvelopeSchema, { savedAt }));
  return FetchFileTask.fromBinary(Buffer.concat([task.toBinary(), stamp]));
}

function seedOf(index: number): { digest: Buffer; createdAt: number } {
  const digest = createHash("sha256").update(String(index)).digest();
  return { digest, createdAt: START + index * 37 + (digest.readUInt16BE(4) % 30) };
}

function taskOf(digest: Buffer, createdAt: number, id: string): FetchFileTask {
  const host = 1 + (digest.readUInt8(6) % 39);
  const day = 10 + (digest.readUInt8(8) % 20);
  const report = 10_000 + (digest.readUInt32BE(0) % 90_000);
  return FetchFileTask.build(
    {
      taskList: "fetch-file",
      id,
      externalHost: `dl-${host}.example.com`,
      filename: `2026/06/${day}/report-${report}.parquet`,
    },
    { createdAt: new Date(createdAt) },
  );
}

/** A task as a compact line of JSON, as written by hand. */
export function jsonLine({ taskList, id, type, envelope, data }: FetchFileTask): string {
  const { createdAt, savedAt, attempt, headers } = envelope;
  const { externalHost, filename } = data;
  const version = savedAt === undefined ? {} : { savedAt: Number(savedAt) };
  const members = { taskList, id, type, createdAt: createdAt?.getTime(), ...version, attempt, headers };
  return `${JSON.stringify({ ...members, data: { externalHost, filename } })}\n`;
}

import { readFileSync, writeFileSync } from "node:fs";
import { create, createRegistry, fromJson } from "@bufbuild/protobuf";
import { isTaskError } from "taskledger";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { CopyFileTask, IndexCatalogueTask, TranscodeVideoTask } from "../../gen/example/v1/sizes_task.js";
import { collectGarbage } from "../harness.js";
import { type JsonShape, shapesOf } from "./json-shapes.js";

/** The types whose shapes are tried; the last one has a field of every kind, and its messages are large when empty. */
export const types = {
  SendMailTask,
  FetchFileTask,
  CopyFileTask,
  TranscodeVideoTask,
  IndexCatalogueTask,
  EveryKindTask,
};
export type TypeName = keyof typeof types;

/** How JSON becomes a task; or, to compare with, a message by protobuf-es alone. */
export type Way = "fromHash" | "build" | "fromJson" | "create";

export interface ShapeParams {
  readonly way: Way;
  readonly type: TypeName;
  /** Which of the type's shapes. */
  readonly index: number;
  /** Of about so many characters. */
  readonly length: number;
}

export interface ShapeCost {
  readonly name: string;
  /** Of what this is the cost. */
  readonly params: ShapeParams;
  /** Milliseconds a kilobyte, of this thread's own time, the least of three: the machine may have other things to do. */
  readonly time: number;
  /** Bytes of memory a byte beyond the first megabyte: the most that the process had at any time. */
  readonly memory: number;
  /** What came of it: the code of the error, if there was one. */
  readonly code: string | undefined;
}

export function shapesFor(way: Way, type: TypeName): JsonShape[] {
  return shapesOf(types[type].schema, way === "fromHash" || way === "fromJson" ? "hash" : "init");
}

/** What a shape costs, in a process of its own. */
export async function* run(params: ShapeParams): AsyncGenerator<ShapeCost, void> {
  const { way, type, index, length } = params;
  const shape = shapesFor(way, type)[index] as JsonShape;
  const text = shape.text(length);
  const warmUp = readerOf(way, type, shape.text(200));
  for (let i = 0; i < 200; i++) timed(warmUp, []);
  const read = readerOf(way, type, text);
  collectGarbage();
  const before = resetPeak();
  const times: number[] = [];
  const first = timed(read, times);
  const peak = peakBytes() - before;
  for (let i = 0; i < 2; i++) timed(read, times);
  const memory = Math.max(0, peak - 1_000_000) / text.length;
  const time = (Math.min(...times) / text.length) * 1000;
  yield { name: shape.name, params, time, memory, code: codeOf(first) };
}

/** The JSON is parsed here: its reader is given what `JSON.parse` gave. */
function readerOf(way: Way, type: TypeName, members: string): () => unknown {
  const taskClass: { build(init: unknown): unknown } & typeof EveryKindTask = types[type] as never;
  const data = JSON.parse(`{${members}}`);
  const init = { taskList: "l", id: "i", ...data };
  const hash = { taskList: "l", id: "i", data: { "@type": `x/${taskClass.type}`, ...data } };
  switch (way) {
    case "build":
      return () => taskClass.build(init);
    case "fromHash":
      return () => taskClass.fromHash(hash);
    case "create":
      return () => create(taskClass.schema, data);
    case "fromJson":
      return () => fromJson(taskClass.schema, data, { registry: createRegistry(taskClass.schema) });
  }
}

function timed(read: () => unknown, times: number[]): unknown {
  const start = threadTime();
  try {
    return read();
  } catch (error) {
    return error;
  } finally {
    times.push(threadTime() - start);
  }
}

/** In milliseconds; where Node does not know that of a thread, it is that of the whole process. */
function threadTime(): number {
  const { threadCpuUsage = process.cpuUsage }: { threadCpuUsage?: typeof process.cpuUsage } = process as never;
  const { user, system } = threadCpuUsage.call(process);
  return (user + system) / 1000;
}

function codeOf(result: unknown): string | undefined {
  if (isTaskError(result)) return result.code;
  if (result instanceof Error) throw result;
  return undefined;
}

/** Lets the system count the process's peak anew, where it can (Linux); gives what the process occupies. */
function resetPeak(): number {
  try {
    writeFileSync("/proc/self/clear_refs", "5");
  } catch {
    // Then the peak is that of the process's whole life, which is higher.
  }
  return process.memoryUsage.rss();
}

function peakBytes(): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024;
  } catch {
    return process.resourceUsage().maxRSS * 1024;
  }
}

import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFileTask } from "../gen/example/v1/fetch_file_task.js";

export { FetchFileTask };

/** A small task, as most are. */
export function buildTask(taskList: string, id: string): FetchFileTask {
  return FetchFileTask.build({ taskList, id, externalHost: "files.example.com", filename: `incoming/${id}` });
}

export function idOf(index: number): string {
  return `file${index}.txt`;
}

/** Tasks of a list, built on demand. */
export function* buildTasks(taskList: string, count: number, from = 0): Generator<FetchFileTask, void> {
  for (let index = from; index < from + count; index++) yield buildTask(taskList, idOf(index));
}

/** The bytes that a store keeps of such tasks, which a baseline writes; made before it starts. */
export async function storedBytes(taskList: string, count: number, from = 0): Promise<Buffer[]> {
  await using memory = new DataInterface({ types: [FetchFileTask], adapter: new MemoryAdapter() });
  const stored: Buffer[] = [];
  for (const task of buildTasks(taskList, count, from)) {
    await memory.save(task);
    stored.push(Buffer.from(task.toBinary()));
    await memory.complete(task);
  }
  return stored;
}

import { DataInterface } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import type { Adapter } from "../../src/adapter/adapter.js";

export type SampleTasks = DataInterface<typeof FetchFileTask | typeof SendMailTask>;

export function sampleTasks(adapter: Adapter = new MemoryAdapter()): SampleTasks {
  return new DataInterface({ types: [FetchFileTask, SendMailTask], adapter, maxTaskBytes: 4 * 1024 * 1024 });
}

/** Bytes that are no task. */
export async function saveDamaged({ adapter }: SampleTasks, taskList: string, id: string): Promise<void> {
  await adapter.save([{ taskList, id, type: "?", replaces: [], body: Buffer.from("rubbish") }]);
}

/** A task of a type that is not known here. */
export async function saveOpaque({ adapter }: SampleTasks, taskList: string, id: string): Promise<void> {
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const data = Buffer.concat([
    field(1, Buffer.from("type.googleapis.com/acme.v1.Other")),
    field(2, Buffer.from([8, 7])),
  ]);
  const body = Buffer.concat([field(1, Buffer.from(taskList)), field(2, Buffer.from(id)), field(3, data)]);
  await adapter.save([{ taskList, id, type: "acme.v1.Other", replaces: [], body }]);
}

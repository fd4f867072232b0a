import { DataInterface } from "taskledger";
import { openStore } from "taskledger/store";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";

/** The types of these tests: those of which descriptors.binpb has descriptions. */
export const types = [FetchFileTask, SendMailTask];

export type TestTasks = DataInterface<(typeof types)[number]>;

/** A store that a test and the command share. */
export interface TestStore {
  readonly url: string;
  readonly tasks: TestTasks;
  /** The environment in which the command finds it. */
  readonly env: Readonly<Record<string, string>>;
}

export async function openTestStore(url: string): Promise<TestStore> {
  return { url, tasks: new DataInterface({ types, adapter: await openStore(url) }), env: { TASKLEDGER_STORE: url } };
}

/** Lists of tests that share a store do not meet. */
let lists = 0;
export function newList(name = "list"): string {
  return `${name} ${process.pid} ${lists++}`;
}

/** A task of a type that the descriptors do not have, as bytes that nobody has seen here. */
export async function saveOpaque({ tasks }: TestStore, taskList: string, id: string): Promise<void> {
  const body = envelope(taskList, id, "type.googleapis.com/acme.v1.Other", Buffer.from([0x08, 0x07]));
  await tasks.adapter.save([{ taskList, id, type: "acme.v1.Other", replaces: [], body }]);
}

/** Bytes that are no task. */
export async function saveDamaged({ tasks }: TestStore, taskList: string, id: string): Promise<void> {
  await tasks.adapter.save([{ taskList, id, type: "?", replaces: [], body: Buffer.from("rubbish") }]);
}

/** A TaskEnvelope by hand: list, id and data. */
function envelope(taskList: string, id: string, typeUrl: string, value: Uint8Array): Uint8Array {
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const data = Buffer.concat([field(1, Buffer.from(typeUrl)), field(2, value)]);
  return Buffer.concat([field(1, Buffer.from(taskList)), field(2, Buffer.from(id)), field(3, data)]);
}

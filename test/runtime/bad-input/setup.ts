import { CompositeTask, DataInterface, type TaskErrorCode } from "taskledger";
import { MemoryAdapter } from "taskledger/memory";
import { beforeAll, expect, test } from "vitest";
import { FetchFileTask } from "../../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../../gen/example/v1/send_mail_task.js";
import { failureOf } from "../failure.js";
import { EverythingTask, KeyedTask, NamesakeTask } from "../kinds.js";
import { contentOf } from "../stores.js";

export const key = { taskList: "list", id: "id" };
export const adapter = new MemoryAdapter();
// biome-ignore lint/suspicious/noExplicitAny: untyped callers are what this file is about
export const tasks: any = new DataInterface<typeof FetchFileTask>({
  types: [FetchFileTask, SendMailTask, CompositeTask, EverythingTask, KeyedTask, NamesakeTask] as never,
  adapter,
});

beforeAll(async () => {
  for (const id of ["id", "2"]) await tasks.create(FetchFileTask, { ...key, id, filename: "file1.txt" });
  await tasks.create(SendMailTask, { mailbox: "list", messageId: "mail", recipients: ["jane@example.com"] });
});

export async function expectStoreUnchanged(act: () => Promise<unknown>): Promise<void> {
  const before = await contentOf(adapter, "list");
  await act();
  expect(before).toHaveLength(3);
  expect(await contentOf(adapter, "list")).toEqual(before);
}

/** What it is, the call, its error's code and field, and a part of its message. */
export type Case = readonly [
  what: string,
  act: () => unknown,
  code: TaskErrorCode,
  field: string | undefined,
  message: string,
];

export function testCases(cases: readonly Case[]): void {
  test.each(cases)("%s", async (_, act, code, field, message) => {
    await expectStoreUnchanged(async () => {
      const error = await failureOf(act);
      expect([error.code, error.field, error.outcome]).toEqual([code, field, "not-applied"]);
      expect(error.message).toContain(message);
    });
  });
}

export const lone = "\ud800";

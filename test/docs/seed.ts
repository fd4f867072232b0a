import { DataInterface } from "taskledger";
import { VersionClock } from "taskledger/adapter";
import { SqliteAdapter } from "taskledger/sqlite";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { saveOpaque } from "../board/sample.js";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** A store as the documentation shows it: a stuck file, one of a type that is not known, and mails. */
export async function seedLedger(path: string): Promise<void> {
  const at = (ago: number) =>
    new DataInterface({
      types: [FetchFileTask, SendMailTask],
      adapter: new SqliteAdapter({ path, clock: new VersionClock(() => BigInt(Date.now() - ago) * 1000n) }),
    });
  const since = (ago: number) => ({ createdAt: new Date(Date.now() - ago) });
  const earliest = at(6 * DAY);
  await earliest.create(
    SendMailTask,
    { mailbox: "mail", messageId: "m1", recipients: ["ada@acme.com"] },
    since(6 * DAY),
  );
  await earliest.close();
  const early = at(134 * MINUTE);
  await early.create(
    FetchFileTask,
    {
      ...{ taskList: "acme.com", id: "file1", externalHost: "acme.com", filename: "file1.txt", size: 4096n },
    },
    since(134 * MINUTE),
  );
  await early.close();
  const later = at(60 * MINUTE);
  await saveOpaque(later as never, "acme.com", "file9");
  await later.close();
  const now = at(0);
  await now.create(SendMailTask, { mailbox: "mail", messageId: "m2", recipients: ["bob@acme.com"] });
  const file = (await now.find("acme.com", "file1")) as FetchFileTask;
  await (await now.claim(file, { owner: "worker-3" }))?.release();
  await now.claim(file, { owner: "worker-7", lease: 12 * MINUTE });
  await now.close();
}

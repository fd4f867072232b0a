import { TaskError } from "../../errors.js";
import type { Version } from "../../version.js";
import { openRoot, openTable, type Root, type Table } from "./driver.js";
import { type Failure, failureOf, statusError, unavailable } from "./failure.js";
import { syncFolder } from "./folder.js";
import { LAYOUT, ledgerKey } from "./layout.js";

/** In the root, beside the names of the tables. */
const LAYOUT_KEY = Buffer.from("layout");
const LATEST_KEY = Buffer.from("latest");
const NOTHING = Buffer.alloc(0);

/** An open store: its tables, reading as of now, and transactions, one at a time. */
export class Environment {
  readonly folder: string;
  /**
   * In a transaction: a version that no save in this store may fall behind, whatever its process's clock says. It keeps
   * a late complete of a task that is gone from removing one that was saved anew.
   */
  latest: Version = 0n;
  readonly tasks: Table;
  readonly ledger: Table;
  readonly #root: Root;
  #changed = false;
  #failed = false;
  #stuck = false;
  /** Told of a commit's failure before its promise is. */
  #onFailure: ((status: number) => void) | undefined;

  /** `folder` is one that has been prepared. Throws MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE. */
  static async open(folder: string): Promise<Environment> {
    const root = await attempt(folder, () => openRoot(folder));
    try {
      const isNew = await attempt(folder, () => checkLayout(root, folder));
      const environment = await attempt(folder, () => new Environment(root, folder));
      if (isNew) await syncFolder(folder);
      return environment;
    } catch (error) {
      await root.close();
      throw error;
    }
  }

  private constructor(root: Root, folder: string) {
    this.folder = folder;
    this.#root = root;
    this.tasks = openTable(root, "tasks");
    this.ledger = openTable(root, "ledger");
    this.#watchCommits();
  }

  /** Whether it can't be used any more, and has to be opened anew. */
  get failed(): boolean {
    return this.#failed;
  }

  /** Runs `work` on what is committed now, by this process and by others, and keeps nothing of it. Throws UNAVAILABLE. */
  read<T>(work: () => T): T {
    try {
      this.#root.resetReadTxn();
      return work();
    } catch (cause) {
      throw cause instanceof TaskError ? cause : unavailable(this.folder, failureOf(cause));
    } finally {
      this.#root.resetReadTxn();
    }
  }

  /**
   * Runs `work` in a transaction and resolves when that is on the disk, or with the failure. Only one at a time. The
   * lock is held from before `work` until then, so `work` sees what all processes have committed.
   */
  commit(work: () => void): Promise<Failure | undefined> {
    return new Promise((resolve) => {
      let begun = false;
      let cause: unknown;
      this.#onFailure = (status) => {
        cause ??= statusError(status);
        if (!begun) resolve(this.#giveUp(cause));
      };
      const run = () => {
        begun = true;
        try {
          this.#transact(work);
        } catch (error) {
          cause = error;
          throw error;
        }
      };
      this.#root.transaction(run).then(
        () => resolve(undefined),
        (error) => resolve(this.#failureOfCommit(cause ?? error, error)),
      );
    });
  }

  /** In a transaction: writes a task, in the place of the version that was there. */
  put(task: Buffer, savedAt: Version, row: Buffer, replaced: Version | undefined): void {
    this.#changed = true;
    if (replaced !== undefined) this.ledger.remove(ledgerKey(task, replaced));
    this.ledger.put(ledgerKey(task, savedAt), NOTHING);
    this.tasks.put(task, row);
  }

  /** In a transaction: removes the version of a task that is there. */
  remove(task: Buffer, savedAt: Version): void {
    this.#changed = true;
    this.ledger.remove(ledgerKey(task, savedAt));
    this.tasks.remove(task);
  }

  async close(): Promise<void> {
    if (!this.#stuck) await this.#root.close();
  }

  #transact(work: () => void): void {
    const stored = this.#root.getBinaryFast(LATEST_KEY)?.readBigUInt64BE() ?? 0n;
    this.latest = stored;
    this.#changed = false;
    work();
    if (this.#changed && this.latest > stored) this.#root.put(LATEST_KEY, versionBytes(this.latest));
  }

  /**
   * LMDB undoes a transaction that it can't commit, except where the very last write failed, which makes the commit
   * valid: whether that one arrived nobody knows, and LMDB then refuses all further work.
   */
  #failureOfCommit(cause: unknown, error: unknown): Failure {
    const { commitError } = error as { commitError?: Promise<unknown> };
    commitError?.catch(() => {});
    if (commitError === undefined) return failureOf(cause, "unknown"); // committed in spite of an error within
    try {
      this.read(() => this.tasks.getBinaryFast(LAYOUT_KEY));
      return failureOf(cause);
    } catch {
      this.#failed = true;
      return failureOf(cause, "unknown");
    }
  }

  /**
   * A transaction that can't even begin leaves lmdb-js waiting for it for ever, with its own lock held, which would keep
   * the process from ending.
   */
  #giveUp(cause: unknown): Failure {
    this.#failed = true;
    this.#stuck = true;
    this.#root.env.resumeWriting();
    return failureOf(cause);
  }

  /**
   * lmdb-js prints the reason of a failed commit, rejects a promise with it that nobody may have seen, and says nothing
   * of one that could not begin. It learns here that the commit has ended, and the reason goes another way.
   */
  #watchCommits(): void {
    const { env } = this.#root;
    const startWriting = env.startWriting;
    if (typeof startWriting !== "function") return;
    const watched: typeof startWriting = (instructions, done) =>
      startWriting.call(env, instructions, (status) => {
        if (status >= 0 && status <= 2) return done(status);
        this.#onFailure?.(status);
        return done(1);
      });
    Object.defineProperty(env, "startWriting", { value: watched });
  }
}

function versionBytes(version: Version): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(version);
  return bytes;
}

async function attempt<T>(folder: string, action: () => T | Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw cause instanceof TaskError ? cause : unavailable(folder, failureOf(cause));
  }
}

/** Whether the store is a new one. Throws SCHEMA_MISMATCH for one that is written in another way than this. */
function checkLayout(root: Root, folder: string): boolean {
  const layout = root.getBinaryFast(LAYOUT_KEY)?.toString();
  if (layout === LAYOUT) return false;
  if (layout !== undefined) {
    const message = `the store ${folder} has the layout ${JSON.stringify(layout)}, this version of taskledger writes ${JSON.stringify(LAYOUT)}`;
    throw new TaskError("SCHEMA_MISMATCH", `${message}: install the version that wrote it, or name another folder`);
  }
  for (const _ of root.getKeys({ limit: 1 })) {
    const message = `the LMDB store ${folder} was made by another program: name a folder of its own for the ledger`;
    throw new TaskError("SCHEMA_MISMATCH", message);
  }
  root.putSync(LAYOUT_KEY, Buffer.from(LAYOUT));
  return true;
}

import { setImmediate } from "node:timers/promises";
import { TaskError } from "../../errors.js";
import { Commits } from "./commits.js";
import { Draft } from "./draft.js";
import { loadLmdb, openTable, type Root, type Table } from "./driver.js";
import { type Failure, failureOf, noRoom, unavailable } from "./failure.js";
import { syncFolder } from "./folder.js";
import { Gate } from "./gate.js";
import { LatestSaves } from "./latest-saves.js";
import { LAYOUT } from "./layout.js";
import { hasRoomFor } from "./room.js";

/** In the root, beside the names of the tables. */
const LAYOUT_KEY = Buffer.from("layout");

/** Some tens of milliseconds at most. */
const READS_A_TURN = 10;

/** An open store: its tables, reading as of now, and transactions, one at a time. */
export class Environment {
  readonly folder: string;
  readonly tasks: Table;
  readonly ledger: Table;
  readonly claims: Table;
  readonly #root: Root;
  readonly #gate: Gate;
  readonly #latestSaves: LatestSaves;
  readonly #commits: Commits;
  #reads = 0;

  /** `folder` is one that has been prepared. Throws MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE. */
  static async open(folder: string): Promise<Environment> {
    const lmdb = await loadLmdb();
    const gate = await attempt(folder, () => Gate.open(lmdb, folder));
    const opened: { root?: Root } = {};
    try {
      const open = () => {
        opened.root = lmdb.openRoot(folder);
        return Environment.#openAlone(opened.root, folder, gate);
      };
      const { environment, isNew } = await attempt(folder, () => gate.alone(open));
      if (isNew) await syncFolder(folder);
      return environment;
    } catch (error) {
      if (opened.root) await closeRoot(opened.root, gate).catch(() => undefined); // the first error tells more
      await gate.close();
      throw error;
    }
  }

  static #openAlone(root: Root, folder: string, gate: Gate): { environment: Environment; isNew: boolean } {
    const isNew = checkLayout(root, folder);
    const environment = new Environment(root, folder, gate);
    environment.#tidyUp();
    return { environment, isNew };
  }

  private constructor(root: Root, folder: string, gate: Gate) {
    this.folder = folder;
    this.tasks = openTable(root, "tasks");
    this.ledger = openTable(root, "ledger");
    this.claims = openTable(root, "claims");
    this.#root = root;
    this.#gate = gate;
    this.#latestSaves = new LatestSaves(root);
    this.#commits = new Commits(root, () => this.#readNow(() => root.getBinaryFast(LAYOUT_KEY)));
  }

  /** Whether it can't be used any more, and has to be opened anew. */
  get failed(): boolean {
    return this.#commits.failed;
  }

  /** Runs `work` on what is committed now, by this process and by others, and keeps nothing of it. Throws UNAVAILABLE. */
  async read<T>(work: () => T): Promise<T> {
    // Reading never waits: a caller who does nothing else would keep the process from all other events.
    if (++this.#reads % READS_A_TURN === 0) await setImmediate();
    try {
      return this.#readNow(work);
    } catch (cause) {
      throw cause instanceof TaskError ? cause : unavailable(this.folder, failureOf(cause));
    }
  }

  /** Drafts a transaction on what is committed now and resolves when it is on the disk, or with its failure. */
  async write(compose: (draft: Draft) => void): Promise<Failure | undefined> {
    let leave = () => {};
    let draft: Draft;
    try {
      leave = await this.#gate.enter();
      draft = this.#readNow(() => this.#draft(compose));
    } catch (cause) {
      leave();
      return failureOf(cause);
    }
    const commit = async () => {
      await draft.commit();
      this.#readNow(() => draft.review());
    };
    return this.#commits.run(commit).finally(leave);
  }

  #draft(compose: (draft: Draft) => void): Draft {
    const { tasks, ledger, claims } = this;
    const draft = new Draft({ root: this.#root, tasks, ledger, claims, latestSaves: this.#latestSaves });
    compose(draft);
    if (!hasRoomFor(this.folder, draft.changes)) throw noRoom();
    return draft;
  }

  #tidyUp(): void {
    try {
      this.#latestSaves.fold();
    } catch {} // where the disk is full, for one, it can wait
  }

  #readNow<T>(work: () => T): T {
    try {
      this.#root.resetReadTxn();
      return work();
    } finally {
      this.#root.resetReadTxn();
    }
  }

  async close(): Promise<void> {
    if (!this.#commits.stuck) await closeRoot(this.#root, this.#gate);
    await this.#gate.close();
  }
}

/** While nobody opens it: LMDB destroys its locks when the last closes it. */
async function closeRoot(root: Root, gate: Gate): Promise<void> {
  const leave = await gate.enter();
  await root.close().finally(leave);
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
  const row = root.getBinaryFast(LAYOUT_KEY);
  const layout = row && Buffer.from(row.buffer, row.byteOffset, row.length).toString();
  if (layout === LAYOUT) return false;
  if (layout !== undefined) throw wrongLayout(folder, layout);
  for (const _ of root.getKeys({ limit: 1 })) {
    const advice = "name a folder of its own for the ledger";
    throw new TaskError("SCHEMA_MISMATCH", `the LMDB store ${folder} was made by another program: ${advice}`);
  }
  root.putSync(LAYOUT_KEY, Buffer.from(LAYOUT));
  return true;
}

function wrongLayout(folder: string, layout: string): TaskError {
  const found = `the store ${folder} has the layout ${JSON.stringify(layout)}`;
  const expected = `this version of taskledger reads and writes ${JSON.stringify(LAYOUT)}`;
  const advice = "use the version that made it, or name another folder";
  return new TaskError("SCHEMA_MISMATCH", `${found}; ${expected}: ${advice}`);
}

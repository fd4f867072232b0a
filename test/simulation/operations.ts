import type { SaveEntry, StoredTask, Version } from "../../src/adapter/adapter.js";
import { isTaskError } from "../../src/core/errors.js";
import type { Client, Running } from "./client.js";
import { EPOCH } from "./cluster.js";
import { describeVersion as at } from "./describe.js";
import { Holder } from "./holder.js";
import type { Oracle, SaveRecord } from "./oracle.js";
import { pick } from "./random.js";
import { MILLISECOND, SECOND, type World } from "./world.js";

export const LIST = "list";

export type OperationKind =
  | "save"
  | "blind"
  | "bulk"
  | "both"
  | "find"
  | "complete"
  | "list"
  | "drain"
  | "requeue"
  | "sweep"
  | "receive"
  | "close";

export interface Operation {
  readonly id: number;
  readonly key: number;
  readonly kind: OperationKind;
  readonly task: string;
  /** All tasks' ids. */
  readonly tasks: readonly string[];
  readonly client: Client;
  readonly clients: readonly Client[];
  readonly start: number;
}

/** A listing with more pages than this counts as endless. */
const MAX_PAGES = 300;

/** One operation, in one run of its client. */
export class Performance {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #operation: Operation;
  readonly #life: Running;
  readonly #signal: AbortSignal | undefined;

  constructor(world: World, oracle: Oracle, operation: Operation, life: Running) {
    this.#world = world;
    this.#oracle = oracle;
    this.#operation = operation;
    this.#life = life;
    this.#signal = this.#drawSignal();
  }

  async run(): Promise<void> {
    const { kind, task } = this.#operation;
    const end = this.#oracle.begins(this.#life, `operation ${this.#operation.id} (${kind})`);
    this.#say(`begins: ${kind} ${task}`);
    try {
      await this.#perform();
    } catch (error) {
      if (!isTaskError(error)) throw error;
      this.#say(`fails: ${error.code}, ${error.outcome}: ${error.message}`);
    }
    end();
  }

  #perform(): Promise<unknown> {
    const { kind, task, client } = this.#operation;
    switch (kind) {
      case "save":
        return this.#save([this.#holder(task)]);
      case "blind":
        return this.#save([client.holders.add(new Holder(task))]);
      case "bulk":
        return this.#saveMany();
      case "both":
        return this.#saveAndComplete();
      case "find":
        return this.#find(task);
      case "complete":
        return this.#completeOne();
      case "list":
      case "drain":
      case "requeue":
        return this.#list();
      case "sweep":
        return this.#sweep();
      case "receive":
        return this.#receive();
      case "close":
        return client.close(this.#life);
    }
  }

  #roll(what: number): number {
    return this.#world.roll(this.#operation.key, what);
  }

  #say(text: string): void {
    this.#world.log?.(`${this.#life.name} operation ${this.#operation.id} ${text}`);
  }

  /** Some operations are aborted a moment after they began. */
  #drawSignal(): AbortSignal | undefined {
    if (this.#roll(10) >= 0.1) return undefined;
    const controller = new AbortController();
    const delay = pick([0, 5 * MILLISECOND, 3 * SECOND], this.#roll(11)) * this.#roll(12);
    this.#operation.client.sleep(this.#life, delay).then(() => controller.abort("it is not wanted any more"));
    return controller.signal;
  }

  /** A call that closing waits for. */
  async #call<T>(call: Promise<T>): Promise<T> {
    const { calls } = this.#life;
    calls.add(call);
    try {
      return await call;
    } finally {
      calls.delete(call);
    }
  }

  /** One of the process's objects for a task, or a new one. */
  #holder(task: string): Holder {
    const { holders } = this.#operation.client;
    const all = holders.of(task);
    return all.length > 0 ? pick(all, this.#roll(20)) : holders.add(new Holder(task));
  }

  #saveMany(): Promise<void> {
    const { tasks, client } = this.#operation;
    const holders = Array.from({ length: 2 + Math.floor(3 * this.#roll(21)) }, (_, i) => {
      const task = pick(tasks, this.#roll(30 + i));
      const [known] = client.holders.of(task);
      return known && this.#roll(40 + i) < 0.5 ? known : client.holders.add(new Holder(task));
    });
    return this.#save(holders);
  }

  /** One holder saves a task while another completes the same version. */
  async #saveAndComplete(): Promise<void> {
    const { task, client } = this.#operation;
    const holder = client.holders.of(task).find(({ version }) => version !== undefined);
    if (!holder) return;
    const other = new Holder(task, holder.version);
    const both = [this.#save([holder]), this.#complete(other)];
    await Promise.all(this.#roll(22) < 0.5 ? both : both.reverse());
  }

  async #save(holders: readonly Holder[]): Promise<void> {
    const ledger = await this.#operation.client.opened(this.#life);
    const records = holders.map(({ id, replaces }) => this.#oracle.save(this.#life, id, replaces));
    const entries = holders.map((holder, i) => this.#entry(holder, records[i] as SaveRecord, i));
    const over = holders.map(({ id, replaces }) => `${id} over [${replaces.map(at)}]`);
    this.#say(`saves ${over.join(", ")}`);
    const outcomes = await this.#call(ledger.save(entries, { signal: this.#signal }));
    let last: Version = 0n;
    for (const [i, holder] of holders.entries()) {
      const outcome = outcomes[i] as (typeof outcomes)[number];
      const record = records[i] as SaveRecord;
      this.#oracle.saved(record, outcome);
      holder.settle(this.#operation.client.told(outcome));
      if (record.outcome !== "not-applied") for (const version of record.versions) holder.tried.add(version);
      const { id } = holder;
      if (!outcome.ok) {
        this.#say(`save of ${id}: ${outcome.error.code}, ${record.outcome}, now ${at(holder.version)}`);
        continue;
      }
      this.#say(`save of ${id} at ${at(outcome.value)}: acknowledged`);
      const first = record.versions[0] as Version;
      if (first <= last && first <= this.#life.horizon())
        this.#oracle.violate(
          "a version is not later",
          `${id}: its version ${at(first)} is not later than ${at(last)}, saved before it`,
        );
      if (first <= this.#life.horizon()) last = first;
    }
  }

  #entry({ id, replaces }: Holder, record: SaveRecord, index: number): SaveEntry {
    const value = new Uint8Array(1 + Math.floor(60 * this.#roll(50 + index))).fill(this.#operation.id);
    const entry = { taskList: LIST, id, type: "example.Task", replaces, body: value };
    this.#oracle.hands(record, entry);
    return entry;
  }

  async #completeOne(): Promise<void> {
    const { task, client } = this.#operation;
    const known = client.holders.of(task).filter(({ version }) => version !== undefined);
    if (known.length > 0) await this.#complete(pick(known, this.#roll(23)));
  }

  async #complete(holder: Holder): Promise<void> {
    const ledger = await this.#operation.client.opened(this.#life);
    const { id, version: savedAt, tried } = holder;
    if (savedAt === undefined) return;
    const record = this.#oracle.complete(this.#life, id, savedAt, tried);
    this.#say(`completes ${id} at ${at(savedAt)}`);
    const [outcome] = await this.#call(ledger.complete([{ taskList: LIST, id, savedAt }], { signal: this.#signal }));
    if (outcome === undefined) throw new Error("there is no outcome");
    this.#oracle.completed(record, outcome);
    this.#say(`complete of ${id} at ${at(savedAt)}: ${record.outcome}`);
    if (outcome.ok) this.#operation.client.holders.remove(holder);
  }

  async #find(task: string): Promise<void> {
    const started = this.#world.now;
    const ledger = await this.#operation.client.opened(this.#life);
    const [stored] = await this.#call(ledger.find([{ taskList: LIST, id: task }], this.#signal));
    const version = stored?.savedAt;
    this.#say(`finds ${task} at ${at(version)}`);
    this.#oracle.found(this.#life, started, task, version);
    if (version !== undefined) this.#operation.client.holders.add(new Holder(task, version));
  }

  async #list(): Promise<void> {
    const { client } = this.#operation;
    const started = this.#world.now;
    const ledger = await client.opened(this.#life);
    const savedBefore = this.#drawCutoff();
    const yielded: { id: string; version: Version }[] = [];
    const leavesAfter = this.#roll(61) < 0.15 ? Math.floor(4 * this.#roll(62)) : Infinity;
    const slow = pick([0, 0, 0.05, 2, 20], this.#roll(63)) * SECOND;
    const pages = ledger.all(LIST, {
      pageSize: 1 + Math.floor(5 * this.#roll(64)),
      maxPageBytes: pick([1, 100, 1e6], this.#roll(65)),
      savedBefore,
      signal: this.#signal ? AbortSignal.any([this.#signal, this.#life.closing.signal]) : this.#life.closing.signal,
    });
    let isWhole = false;
    for (let count = 0; count < leavesAfter; count++) {
      const { value: page, done } = await pages.next();
      if (done) {
        isWhole = true;
        break;
      }
      for (const stored of page) yielded.push(this.#meet(stored));
      await this.#act(yielded.slice(-page.length));
      if (slow > 0 && !this.#world.isCalm) await client.sleep(this.#life, slow * this.#roll(70 + count));
      if (count > MAX_PAGES) {
        this.#oracle.violate("all does not end", "a pass goes on and on");
        break;
      }
    }
    if (!isWhole) await pages.return();
    this.#say(`has listed ${yielded.length} tasks${isWhole ? "" : ", and leaves"}`);
    this.#oracle.listed({ life: this.#life, started, horizon: this.#life.horizon(), savedBefore, yielded, isWhole });
  }

  #meet({ id, savedAt: version }: StoredTask): { id: string; version: Version } {
    this.#say(`lists ${id} at ${at(version)}`);
    this.#oracle.meet(this.#life, version);
    return { id, version };
  }

  /** What a consumer does with the tasks of a page. */
  async #act(page: readonly { id: string; version: Version }[]): Promise<void> {
    const { kind, client } = this.#operation;
    for (const { id, version } of page) {
      const holder = new Holder(id, version);
      if (kind === "drain") await this.#complete(holder);
      else if (kind === "requeue") await this.#save([holder]);
      else if (this.#world.roll(this.#operation.key, Number(version % 1_000_003n)) < 0.5) client.holders.add(holder);
    }
  }

  #drawCutoff(): Version | undefined {
    if (this.#roll(66) >= 0.25) return undefined;
    const { saves } = this.#oracle;
    const some = saves.length > 0 ? pick(saves, this.#roll(67)).versions[0] : undefined;
    if (some !== undefined && this.#roll(68) < 0.5) return some + pick([0n, 1n], this.#roll(69));
    return EPOCH + BigInt(Math.floor(this.#world.now * this.#roll(60)));
  }

  async #sweep(): Promise<void> {
    const ledger = await this.#operation.client.opened(this.#life);
    const { entries, ranges } = await this.#call(ledger.sweep(LIST, this.#signal));
    this.#oracle.counts.sweeps += ranges;
    this.#say(`has swept ${ranges} ranges, and found ${entries} entries`);
  }

  /** A task's bytes arrive from another host. */
  async #receive(): Promise<void> {
    const { task, clients, client } = this.#operation;
    const others = clients.filter((other) => other !== client);
    if (others.length === 0) return;
    const version = pick(others, this.#roll(24))
      .holders.of(task)
      .find((holder) => holder.version !== undefined)?.version;
    if (version === undefined) return;
    this.#say(`is handed ${task} at ${at(version)}`);
    this.#life.clock.observe(version);
    this.#oracle.meet(this.#life, version);
    client.holders.add(new Holder(task, version));
  }
}

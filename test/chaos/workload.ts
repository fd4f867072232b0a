import { setTimeout as sleep } from "node:timers/promises";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import type { Dice } from "./random.js";
import type { Recorder } from "./recorder.js";

export interface WorkloadOptions {
  readonly name: string;
  readonly lists: readonly string[];
  /** Number of ids in each list that all clients use. */
  readonly contested: number;
  /** Number of its own tasks that a client leaves open. */
  readonly open: number;
  /** Number of actors of a client, which work at once. */
  readonly actors: number;
  /** Maximum delay of an actor between two steps, in milliseconds. */
  readonly pause: number;
}

/** The relative frequency of each step. */
const writing = {
  create: 26,
  "complete one": 17,
  "hand over": 6,
  "overwrite one": 8,
  "save contested": 12,
  "find contested": 14,
  "complete stale": 8,
  "find own": 8,
  list: 6,
  "list old": 3,
  "list some": 2,
  "save many": 1,
  "complete many": 1,
  sweep: 25,
};

const reading = { "find contested": 6, list: 6, "list old": 2, "list some": 1 };

/** The work of a client: each of its actors makes random steps, until it is stopped. */
export class Workload {
  readonly #recorder: Recorder;
  readonly #dice: Dice;
  readonly #options: WorkloadOptions;
  /** Open tasks that nobody else is likely to touch. */
  readonly #own: FetchFileTask[] = [];
  /** Older views of tasks that others may have saved again since. */
  readonly #stale: FetchFileTask[] = [];
  readonly #handOver: (bytes: Uint8Array) => void;
  #created = 0;
  #stopped = false;

  constructor(recorder: Recorder, dice: Dice, options: WorkloadOptions, handOver: (bytes: Uint8Array) => void) {
    this.#recorder = recorder;
    this.#dice = dice;
    this.#options = options;
    this.#handOver = handOver;
  }

  /** Resolves once it is stopped and its last calls are answered. */
  async run(only?: "reading"): Promise<void> {
    const weights: Readonly<Record<string, number>> = only ? reading : writing;
    const act = async () => {
      while (!this.#stopped) {
        await this.#do(this.#dice.weighed(weights));
        await sleep(this.#dice.fraction() * this.#options.pause);
      }
    };
    await Promise.all(Array.from({ length: this.#options.actors }, act));
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A task that another client saved, and hands over. */
  take(task: FetchFileTask): void {
    this.#own.push(task);
  }

  async #do(what: string): Promise<void> {
    const list = this.#dice.pick(this.#options.lists);
    switch (what) {
      case "create":
        return this.#create(list);
      case "complete one":
        return this.#completeOne();
      case "hand over":
        return this.#handOverOne();
      case "overwrite one":
        return this.#overwriteOne();
      case "save contested":
        return void (await this.#save(this.#contested(list)));
      case "find contested":
        return this.#findContested(list);
      case "complete stale":
        return this.#completeStale();
      case "find own":
        return this.#findOwn();
      case "list":
        return this.#keepStale(await this.#recorder.all(list));
      case "list old":
        return void (await this.#recorder.all(list, { savedBefore: this.#moment() }));
      case "list some":
        return void (await this.#recorder.all(list, { limit: this.#dice.between(1, 20) }));
      case "save many":
        return this.#saveMany(list);
      case "complete many":
        return this.#recorder.completeAll(this.#own.splice(0, this.#dice.between(1, 20)));
      case "sweep":
        return this.#recorder.sweep(list);
    }
  }

  async #create(list: string): Promise<void> {
    if (this.#own.length > this.#options.open) return this.#completeOne();
    const task = this.#build(list);
    await this.#save(task);
    if (task.envelope.savedAt !== undefined) this.#own.push(task);
  }

  async #saveMany(list: string): Promise<void> {
    const tasks = Array.from({ length: this.#dice.between(1, 20) }, () => this.#build(list));
    await this.#recorder.saveAll(tasks);
    this.#own.push(...tasks.filter((task) => task.envelope.savedAt !== undefined));
  }

  /** A failed one is tried again until it succeeds, as a worker would. */
  async #completeOne(): Promise<void> {
    const task = this.#takeOne();
    if (task && !(await this.#recorder.complete(task, this.#impatience()))) this.#own.push(task);
  }

  /** Like a generator: sends the task's bytes to a worker in another process, and forgets the task. */
  #handOverOne(): void {
    const task = this.#takeOne();
    if (task) this.#handOver(task.toBinary());
  }

  async #overwriteOne(): Promise<void> {
    const task = this.#takeOne();
    if (task === undefined) return;
    this.#keepStale([FetchFileTask.fromBinary(task.toBinary())]);
    await this.#save(task);
    this.#own.push(task);
  }

  /** Finds one, and then works on what it found while others may save it again. */
  async #findContested(list: string): Promise<void> {
    const { id } = this.#contested(list);
    const task = await this.#recorder.find(list, id);
    if (task === undefined) return;
    if (this.#dice.chance(0.3)) this.#keepStale([task]);
    else if (this.#dice.chance(0.4)) await this.#save(task);
    else await this.#recorder.complete(task, this.#impatience());
  }

  async #completeStale(): Promise<void> {
    const task = this.#stale.splice(this.#dice.below(this.#stale.length), 1)[0];
    if (task) await this.#recorder.complete(task);
  }

  async #findOwn(): Promise<void> {
    if (this.#own.length === 0) return;
    const { taskList, id } = this.#dice.pick(this.#own);
    await this.#recorder.find(taskList, id);
  }

  #save(task: FetchFileTask): Promise<boolean> {
    return this.#recorder.save(task, this.#impatience());
  }

  /** Keeps some tasks that all clients use, as older views to work on later. */
  #keepStale(tasks: readonly FetchFileTask[]): void {
    const some = tasks.filter(({ id }) => id.startsWith("contested-") && this.#dice.chance(0.2));
    this.#stale.push(...(tasks.length === 1 ? tasks : some.slice(0, 3)));
    if (this.#stale.length > 50) this.#stale.splice(0, this.#stale.length - 50);
  }

  #takeOne(): FetchFileTask | undefined {
    return this.#own.splice(this.#dice.below(this.#own.length), 1)[0];
  }

  #build(list: string): FetchFileTask {
    return FetchFileTask.build({ taskList: list, id: `${this.#options.name}-${++this.#created}` });
  }

  #contested(list: string): FetchFileTask {
    return FetchFileTask.build({ taskList: list, id: `contested-${this.#dice.below(this.#options.contested)}` });
  }

  /** Some callers do not wait. */
  #impatience(): AbortSignal | undefined {
    return this.#dice.chance(0.03) ? AbortSignal.timeout(this.#dice.between(1, 30)) : undefined;
  }

  /** Up to half a minute ago. */
  #moment(): bigint {
    return BigInt(Date.now() - this.#dice.below(30_000)) * 1000n;
  }
}

import { create, toBinary } from "@bufbuild/protobuf";
import type { Client } from "cassandra-driver";
import { expect } from "vitest";
import { FetchFileSchema } from "../../gen/example/v1/fetch_file_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";
import type { Version } from "../../src/core/version.js";
import { decodeEnvelope } from "../../src/envelope/decode.js";
import { encodeEnvelope } from "../../src/envelope/encode.js";
import { DEFAULT_MAX_TASK_BYTES, packData, savedAtOf } from "../../src/envelope/envelope.js";
import type { Actor, HeldTask, Situation } from "./actor.js";
import type { Interleaving, Step } from "./interleavings.js";

/** Of the keyspaces in which interleavings are played. */
export const SHARDS = 8;

type StepOf<K extends string> = Extract<Step, Record<K, unknown>>;

/** Plays interleavings with two actors in one keyspace, each in a list of its own. */
export class Stage {
  readonly #client: Client;
  readonly #keyspace: string;
  readonly #taskList: string;
  readonly #actors: { readonly A: Actor; readonly B: Actor };
  readonly #begin: Version;
  readonly #held = new Map<string, HeldTask>();

  constructor(client: Client, keyspace: string, taskList: string, a: Actor, b: Actor) {
    this.#client = client;
    this.#keyspace = keyspace;
    this.#taskList = taskList;
    this.#actors = { A: a, B: b };
    this.#begin = BigInt(Date.now()) * 1000n;
  }

  async play({ steps, row, entries }: Interleaving): Promise<void> {
    await this.#actors.A.open();
    await this.#actors.B.open();
    for (const step of steps) await this.#take(step);
    if (row !== undefined) expect(await this.#row()).toEqual(row);
    if (entries !== undefined) expect(await this.#entries()).toEqual(entries);
  }

  async #take(step: Step): Promise<void> {
    if ("save" in step) await this.#save(step);
    else if ("complete" in step) await this.#complete(step);
    else if ("find" in step) await this.#find(step);
    else if ("hand" in step) this.#held.set(step.to, { ...this.#holding(step.hand), replaced: [] });
    else if ("list" in step) {
      const found = await this.#actors[step.by].list(this.#situation(step));
      expect(found.map((envelope) => this.#versionOf(envelope))).toEqual(step.gives);
    } else if ("write" in step) await this.#write(step);
    else await this.#sweep(step.sweep);
  }

  async #save(step: StepOf<"save">): Promise<void> {
    const held = this.#held.get(step.save) ?? { envelope: this.#newTask(step.id), replaced: [] };
    const { error, ...saved } = await this.#actors[step.by].save(held, this.#situation(step));
    expectFailure(error, step.fails);
    this.#held.set(step.save, saved);
    if (step.gives !== undefined) expect(this.#versionOf(saved.envelope)).toBe(step.gives);
  }

  async #complete(step: StepOf<"complete">): Promise<void> {
    const { error } = await this.#actors[step.by].complete(
      this.#holding(step.complete).envelope,
      this.#situation(step),
    );
    expectFailure(error, step.fails);
  }

  async #find(step: StepOf<"find">): Promise<void> {
    const envelope = await this.#actors[step.by].find(step.id ?? "t", this.#situation(step));
    if (envelope !== null) this.#held.set(step.find, { envelope, replaced: [] });
    if (step.gives !== undefined) expect(envelope && this.#versionOf(envelope)).toBe(step.gives);
  }

  async #write({ write, at, id = "t" }: StepOf<"write">): Promise<void> {
    const version = String(this.#begin + BigInt(at));
    const place = [this.#taskList, shardOf(id, SHARDS)];
    const body = Buffer.from(this.#newTask(id), "base64");
    if (write === "task")
      await this.#execute("INSERT INTO tasks (task_list, shard, id, body) VALUES (?, ?, ?, ?) USING TIMESTAMP ?", [
        ...place,
        id,
        body,
        version,
      ]);
    else
      await this.#execute(
        "INSERT INTO open_tasks (task_list, shard, saved_at, id, size) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?",
        [...place, version, id, body.length, version],
      );
  }

  async #sweep(stretch: readonly number[]): Promise<void> {
    const ends = stretch.map((end) => String(this.#begin + BigInt(end)));
    await this.#execute("INSERT INTO sweeps (task_list, shard, swept_to, ranges) VALUES (?, ?, ?, ?)", [
      this.#taskList,
      shardOf("t", SHARDS),
      ends[1],
      ends,
    ]);
  }

  /** The version of the row, whose body has none. */
  async #row(): Promise<number | null> {
    const query = "SELECT body, WRITETIME(body) AS version FROM tasks WHERE task_list = ? AND shard = ? AND id = ?";
    const [found] = await this.#execute(query, [this.#taskList, shardOf("t", SHARDS), "t"]);
    if (found === undefined) return null;
    expect(this.#versionOf(found.body.toString("base64"))).toBeNull();
    return this.#offset(found.version);
  }

  async #entries(): Promise<number[]> {
    const query =
      "SELECT saved_at, id, size, WRITETIME(size) AS written FROM open_tasks WHERE task_list = ? AND shard = ?";
    const found = await this.#execute(query, [this.#taskList, shardOf("t", SHARDS)]);
    return found
      .filter(({ id }) => id === "t")
      .map(({ saved_at, size, written }) => {
        expect(this.#offset(written)).toBe(this.#offset(saved_at));
        expect(size).toBeGreaterThan(0);
        return this.#offset(saved_at);
      });
  }

  async #execute(query: string, params: unknown[]) {
    const named = query.replace(/(INTO|FROM) /, `$1 "${this.#keyspace}".`);
    return (await this.#client.execute(named, params, { prepare: true })).rows;
  }

  #situation(step: { at: number; fault?: Situation["fault"] }) {
    return { taskList: this.#taskList, now: this.#begin + BigInt(step.at), serverNow: this.#begin, fault: step.fault };
  }

  #holding(name: string): HeldTask {
    const held = this.#held.get(name);
    if (held === undefined) throw new Error(`nobody holds ${name}`);
    return held;
  }

  #newTask(id = "t"): string {
    return newTask(this.#taskList, id);
  }

  #versionOf(envelope: string): number | null {
    const version = savedAtOf(decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES));
    return version === undefined ? null : this.#offset(version);
  }

  #offset(version: unknown): number {
    return Number(BigInt(String(version)) - this.#begin);
  }
}

/** An envelope that has not been saved, in base64. */
export function newTask(taskList: string, id = "t"): string {
  const value = toBinary(FetchFileSchema, create(FetchFileSchema, { filename: "file1.txt" }));
  const data = packData("type.googleapis.com/example.v1.FetchFile", value);
  const envelope = create(TaskEnvelopeSchema, { taskList, id, data });
  return Buffer.from(encodeEnvelope(envelope, DEFAULT_MAX_TASK_BYTES)).toString("base64");
}

/** `fails` is an outcome where an answer or a request was lost, and else a code. */
function expectFailure(error: { code: string; outcome: string } | null, fails: string | undefined): void {
  if (fails === undefined) expect(error).toBeNull();
  else expect([error?.code, error?.outcome]).toContain(fails);
}

/** What two actors see of the steps that every store knows; versions are counted from the beginning. */
export async function traceOf(
  steps: readonly Step[],
  taskList: string,
  actors: { readonly A: Actor; readonly B: Actor },
): Promise<unknown[]> {
  const begin = BigInt(Date.now()) * 1000n;
  const held = new Map<string, HeldTask>();
  await actors.A.open();
  await actors.B.open();
  const versionOf = (envelope: string) => {
    const version = savedAtOf(decodeEnvelope(Buffer.from(envelope, "base64"), DEFAULT_MAX_TASK_BYTES));
    return version === undefined ? null : Number(version - begin);
  };
  const situation = (at: number) => ({ taskList, now: begin + BigInt(at), serverNow: begin });
  const take = async (step: Step): Promise<unknown> => {
    if ("hand" in step) return void held.set(step.to, { ...(held.get(step.hand) as HeldTask), replaced: [] });
    if (!("by" in step)) throw new Error("this step is not for every store");
    const actor = actors[step.by];
    if ("save" in step) {
      const task = held.get(step.save) ?? { envelope: newTask(taskList, step.id), replaced: [] };
      const { error, ...done } = await actor.save(task, situation(step.at));
      held.set(step.save, done);
      return [error, versionOf(done.envelope), done.replaced];
    }
    if ("complete" in step) return actor.complete((held.get(step.complete) as HeldTask).envelope, situation(step.at));
    if ("list" in step) return (await actor.list(situation(step.at))).map(versionOf);
    const found = await actor.find(step.id ?? "t", situation(step.at));
    if (found !== null) held.set(step.find, { envelope: found, replaced: [] });
    return found && versionOf(found);
  };
  const trace: unknown[] = [];
  for (const step of steps) trace.push((await take(step)) ?? null);
  return trace;
}

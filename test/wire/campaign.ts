import { clone, type Message, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Random } from "../../src/testing/random.js";
import { messages } from "../runtime/arbitrary.js";
import { generateSubjects, type Subject } from "./codecs.js";
import { envelopeSubject } from "./envelope-subject.js";
import { mutate } from "./mutate.js";
import { spoil } from "./spoil.js";
import { envelopesOf, tryReadingTask } from "./task-trials.js";
import { tryDecoding, tryEncoding, type Way } from "./trials.js";

export interface FuzzOptions {
  readonly seed: number;
  readonly seconds: number;
  /** How many random messages, and how many changed inputs. */
  readonly messages: number;
  readonly inputs: number;
  readonly say: (line: string) => void;
}

type Counts = Record<Way, number>;

export interface FuzzReport {
  readonly messages: Counts;
  readonly spoiled: Counts;
  readonly decoded: Counts;
  readonly inputs: Counts;
  readonly tasks: number;
  /** The longest that one trial took. */
  readonly slowestMs: number;
  /** What the process occupied at most. */
  readonly peakMegabytes: number;
}

const BATCH = 50;

/** Compares codecs with protobuf-es on random messages and on random changes of their bytes. Throws at a difference. */
export async function fuzz(options: FuzzOptions): Promise<FuzzReport> {
  const subjects = [...(await generateSubjects()).values(), envelopeSubject];
  try {
    return compare(subjects, options);
  } catch (cause) {
    throw Object.assign(new Error(`${cause} (npm run fuzz -- --seed ${options.seed})`, { cause }), cause);
  }
}

function compare(subjects: readonly Subject[], options: FuzzOptions): FuzzReport {
  const random = new Random(options.seed);
  const tally = new Tally();
  const end = Date.now() + options.seconds * 1000;
  for (let next = 0; Date.now() < end && !tally.isDone(options); next++) {
    const subject = subjects[next % subjects.length] as Subject;
    runBatch(subject, random, tally, options);
    tally.sayNowAndThen(options.say);
  }
  return tally.report();
}

function runBatch(subject: Subject, random: Random, tally: Tally, options: FuzzOptions): void {
  const depth = random.below(4);
  const arbitrary = messages(subject.schema, { depth, unknown: random.below(3) === 0 });
  const sample = fc.sample(arbitrary, { numRuns: BATCH, seed: random.below(2 ** 31) });
  const corpus = sample.map((message) => toBinary(subject.schema, message));
  for (const message of sample) {
    tally.try("messages", subject, message, () => tryEncoding(subject, message));
    if (subject !== envelopeSubject) trySpoiled(subject, message, random, tally);
  }
  for (const bytes of corpus) {
    tally.try("decoded", subject, bytes, () => tryDecoding(subject, bytes));
    // In proportion, so that both come to an end at about the same time.
    const inputs = options.inputs === Infinity ? 3 : Math.ceil(options.inputs / options.messages);
    for (let i = 0; i < inputs; i++) tryInput(subject, mutate(bytes, corpus, random), random, tally);
  }
}

function trySpoiled(subject: Subject, message: Message, random: Random, tally: Tally): void {
  const copy = clone(subject.schema, message);
  spoil(copy, random);
  tally.try("spoiled", subject, copy, () => tryEncoding(subject, copy));
}

function tryInput(subject: Subject, input: Uint8Array, random: Random, tally: Tally): void {
  tally.try("inputs", subject, input, () => tryDecoding(subject, input));
  for (const bytes of envelopesOf(subject, input, random))
    tally.tryTask(subject, bytes, () => tryReadingTask(subject, bytes));
}

class Tally {
  readonly messages: Counts = { codec: 0, "protobuf-es": 0, refused: 0 };
  readonly spoiled: Counts = { codec: 0, "protobuf-es": 0, refused: 0 };
  readonly decoded: Counts = { codec: 0, "protobuf-es": 0, refused: 0 };
  readonly inputs: Counts = { codec: 0, "protobuf-es": 0, refused: 0 };
  #tasks = 0;
  #slowestMs = 0;
  #peak = 0;
  #said = Date.now();

  try(what: "messages" | "spoiled" | "decoded" | "inputs", subject: Subject, input: unknown, trial: () => Way): void {
    this[what][this.#time(subject, input, trial)]++;
  }

  tryTask(subject: Subject, input: unknown, trial: () => void): void {
    this.#time(subject, input, trial);
    this.#tasks++;
  }

  #time<T>(subject: Subject, input: unknown, trial: () => T): T {
    const start = performance.now();
    try {
      return trial();
    } catch (cause) {
      const shown = input instanceof Uint8Array ? Buffer.from(input).toString("hex") : input;
      throw Object.assign(new Error(`${subject.schema.typeName}: ${cause}`, { cause }), { input: shown });
    } finally {
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - start);
    }
  }

  isDone({ messages, inputs }: FuzzOptions): boolean {
    return totalOf(this.messages) >= messages && totalOf(this.inputs) >= inputs;
  }

  sayNowAndThen(say: (line: string) => void): void {
    this.#peak = Math.max(this.#peak, process.memoryUsage.rss());
    if (Date.now() - this.#said < 10_000) return;
    this.#said = Date.now();
    say(`${totalOf(this.messages)} messages, ${totalOf(this.inputs)} inputs`);
  }

  report(): FuzzReport {
    const { messages, spoiled, decoded, inputs } = this;
    const rest = { tasks: this.#tasks, slowestMs: this.#slowestMs, peakMegabytes: this.#peak / 1e6 };
    return { messages, spoiled, decoded, inputs, ...rest };
  }
}

function totalOf(counts: Counts): number {
  return counts.codec + counts["protobuf-es"] + counts.refused;
}

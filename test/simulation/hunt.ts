import { type HistoryOptions, runHistory } from "./history.js";
import type { Breach } from "./oracle.js";

/** A promise that was broken. */
export interface Found {
  readonly breach: Breach;
  readonly text: string;
  /** The first seed whose history broke it. */
  readonly seed: number;
  times: number;
}

export interface Hunt {
  /** The first seed; those of the others follow. */
  readonly from: number;
  readonly histories: number;
  readonly seconds: number;
  readonly breaches: readonly Found[];
  readonly totals: Readonly<Record<string, number>>;
}

export interface HuntOptions extends HistoryOptions {
  /** For how long; there is one history at least. */
  readonly seconds?: number | undefined;
  readonly maxHistories?: number | undefined;
  readonly stopAtFirst?: boolean | undefined;
  /** Decides which breaches count. @defaultValue all */
  readonly counts?: ((breach: Breach) => boolean) | undefined;
}

/** Runs the histories of one seed after the other. */
export async function hunt(from: number, options: HuntOptions): Promise<Hunt> {
  const { seconds = Infinity, maxHistories = Infinity, stopAtFirst = true, counts = () => true } = options;
  const started = performance.now();
  const passed = () => (performance.now() - started) / 1000;
  const found = new Map<Breach, Found>();
  const totals: Record<string, number> = {};
  let histories = 0;
  do {
    const seed = from + histories++;
    const { violations, counts: done, remains, events } = await runHistory(seed, options);
    for (const [name, count] of Object.entries({ ...done, ...remains, events }))
      totals[name] = (totals[name] ?? 0) + count;
    for (const { breach, text } of violations.filter((violation) => counts(violation.breach))) {
      const known = found.get(breach);
      if (known) known.times++;
      else found.set(breach, { breach, text, seed, times: 1 });
    }
  } while (histories < maxHistories && passed() < seconds && !(stopAtFirst && found.size > 0));
  return { from, histories, seconds: passed(), breaches: [...found.values()], totals };
}

/** The result of a hunt, and how to reproduce it. */
export function describeHunt({ from, histories, seconds, breaches, totals }: Hunt, mutant?: string): string {
  const numbers = Object.entries(totals).map(([name, count]) => `${name} ${count}`);
  const rate = Math.round(histories / seconds);
  const lines = [
    `seeds ${from} to ${from + histories - 1}: ${histories} histories, ${rate} a second`,
    numbers.join(", "),
    ...breaches.flatMap(({ breach, text, seed, times }) => [
      `${breach}, ${times} times; first: ${text}`,
      `    npm run simulate -- --seed ${seed} --seconds 0${mutant === undefined ? "" : ` --mutant "${mutant}"`}`,
    ]),
  ];
  return [...lines, breaches.length === 0 ? "no promise is broken" : "add --shrink to see how"].join("\n");
}

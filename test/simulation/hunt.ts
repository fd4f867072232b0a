import { type HistoryOptions, runHistory } from "./history.js";

export interface Found {
  readonly rule: string;
  readonly text: string;
  /** The first that broke the rule. */
  readonly seed: number;
  times: number;
}

export interface Hunt {
  readonly histories: number;
  readonly seconds: number;
  readonly found: readonly Found[];
  readonly totals: Readonly<Record<string, number>>;
}

export interface HuntOptions extends HistoryOptions {
  readonly stopAtFirst?: boolean;
  readonly maxHistories?: number;
}

/** Runs the histories of one seed after the other, for so many seconds. */
export async function hunt(from: number, seconds: number, options: HuntOptions = {}): Promise<Hunt> {
  const { stopAtFirst = true, maxHistories = Number.POSITIVE_INFINITY } = options;
  const started = performance.now();
  const passed = () => (performance.now() - started) / 1000;
  const found = new Map<string, Found>();
  const totals: Record<string, number> = {};
  let histories = 0;
  while (histories < maxHistories && passed() < seconds && !(stopAtFirst && found.size > 0)) {
    const seed = from + histories++;
    const { violations, counts, remains, events, operations } = await runHistory(seed, options);
    const numbers = { ...counts, ...remains, events, operations: operations.length };
    for (const [name, count] of Object.entries(numbers)) totals[name] = (totals[name] ?? 0) + count;
    for (const { rule, text } of violations) {
      const known = found.get(rule);
      if (known) known.times++;
      else found.set(rule, { rule, text, seed, times: 1 });
    }
  }
  return { histories, seconds: passed(), found: [...found.values()], totals };
}

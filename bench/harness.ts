/** Does its work once, and returns a figure, such as operations per second. */
export type Contender = (round: number) => Promise<number>;

/**
 * Runs contenders in turn, round after round (A B A B …), so that a slow moment of the machine affects all of them. Round 0
 * warms up and does not count. Each contender starts with a heap without young garbage. A full collection before each would
 * not be fairer: V8 then drops much of its compiled code, and short rounds begin with compiling again.
 */
export async function interleave<Contenders extends { readonly [name: string]: Contender }>(
  rounds: number,
  contenders: Contenders,
  { collect = collectYoungGarbage } = {},
): Promise<{ -readonly [Name in keyof Contenders]: number[] }> {
  const entries = Object.entries<Contender>(contenders);
  const figures: Record<string, number[]> = Object.fromEntries(entries.map(([name]) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, contender] of entries) {
      collect();
      const figure = await contender(round);
      if (round > 0) figures[name]?.push(figure);
    }
  }
  return figures as { [Name in keyof Contenders]: number[] };
}

/** Does the work for every number below `count`, at most `concurrency` at once; returns the number done per second. */
export async function perSecond(
  count: number,
  concurrency: number,
  work: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  const worker = async () => {
    while (next < count) await work(next++);
  };
  const seconds = await secondsOf(() => Promise.all(Array.from({ length: Math.min(concurrency, count) }, worker)));
  return count / seconds;
}

export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}

export function collectGarbage(): void {
  globalThis.gc?.();
}

/** Collects the young garbage of one side, so that this does not happen during the measurement of the other. */
export function collectYoungGarbage(): void {
  globalThis.gc?.({ type: "minor" });
}

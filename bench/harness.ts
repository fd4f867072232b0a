/** Does its work once, and gives a figure, such as operations a second. */
export type Contender = (round: number) => Promise<number>;

/**
 * Runs contenders in turn, round after round (A B A B …), so that a slow moment of the machine meets all of them. The
 * first round is round 0; it warms up and does not count. Each gets a heap without young garbage. Collecting all before
 * each would be no fairer: V8 then drops much of the code that it has compiled, and short rounds begin with compiling again.
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

/** Does the work for every number below `count`, at most `concurrency` at once; gives how many were done a second. */
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

/** What one side leaves behind is not collected in the other side's time, as far as it is young. */
export function collectYoungGarbage(): void {
  globalThis.gc?.({ type: "minor" });
}

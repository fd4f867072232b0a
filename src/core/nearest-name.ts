/** Maximum length of names that are compared: longer ones take long, and are hardly typing mistakes. */
const MAX_LENGTH = 64;

/** Minimum number of letters for a part of a name to match it. */
const MIN_PART = 4;

/**
 * The known name that was probably meant: one that differs only in case, `_` and `-`, or else in a few letters, or of which
 * one is a part of the other. Returns undefined if there is none.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = plainOf(name);
  // A third of the letters may be wrong, of short names one.
  let least = Math.max(1, Math.floor(name.length / 3)) + 1;
  let nearest: string | undefined;
  for (const candidate of known) {
    const other = plainOf(candidate);
    const distance = isPart(plain, other) ? 1 : distanceOf(plain, other, least);
    if (distance >= least) continue;
    least = distance;
    nearest = candidate;
  }
  return nearest;
}

/** `; did you mean filename?`, or nothing. */
export function suggestName(name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? "" : `; did you mean ${nearest}?`;
}

function isPart(a: string, b: string): boolean {
  return a !== b && Math.min(a.length, b.length) >= MIN_PART && (a.includes(b) || b.includes(a));
}

function plainOf(name: string): string {
  return name.replace(/[_-]/g, "").toLowerCase();
}

/** How many letters must be put in, taken out, changed or swapped with the next (optimal string alignment). */
function distanceOf(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      const changed = (last[j - 1] as number) + (isSame ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? (beforeLast[j - 2] as number) + 1 : limit;
      row.push(Math.min(changed, swapped, (last[j] as number) + 1, (row[j - 1] as number) + 1));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] as number;
}

/**
 * The same text as an internalized string of V8, as property names are: stored once, compared by identity, and not a slice
 * that keeps a larger string in memory.
 */
export function internalize(text: string): string {
  return Object.keys({ [text]: true })[0] as string;
}

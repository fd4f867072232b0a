/**
 * The same text, as V8 keeps the names in code and of properties: one copy, which it compares with others by its identity,
 * and which keeps no larger text in memory that it was cut from.
 */
export function internalize(text: string): string {
  return Object.keys({ [text]: true })[0] as string;
}

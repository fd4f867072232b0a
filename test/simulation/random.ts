/**
 * Random numbers that depend only on their key: (seed, who, what). So leaving out one operation or one fault of a history does
 * not change the others, and a failing history can be shrunk.
 */
export function mix(state: number, value: number): number {
  let h = Math.imul(state ^ 0x9e37_79b9, 0x85eb_ca6b) ^ value;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85eb_ca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

/** From 0 to below 1. */
export function fraction(state: number): number {
  return (state >>> 0) / 2 ** 32;
}

/** A number for a name (FNV-1a). */
export function keyOf(name: string): number {
  let h = 0x811c_9dc5;
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x0100_0193);
  return h;
}

/** One of the values. */
export function pick<T>(values: readonly T[], roll: number): T {
  return values[Math.floor(roll * values.length)] as T;
}

/** A seed that nobody has chosen. */
export function randomSeed(): number {
  return Math.floor(Math.random() * 2 ** 31);
}

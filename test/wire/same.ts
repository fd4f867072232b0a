/**
 * Whether two values are the same in all that a program can see: also negative zeros, prototypes, the order of keys. Unknown
 * fields may be at another place among a message's properties.
 */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array) return Buffer.compare(a, b as Uint8Array) === 0;
  const [keys, others] = [keysOf(a), keysOf(b)];
  const isSameAt = (key: string | symbol, i: number) => key === others[i] && isSame(valueAt(a, key), valueAt(b, key));
  return keys.length === others.length && keys.every(isSameAt);
}

function keysOf(value: object): (string | symbol)[] {
  const keys = Reflect.ownKeys(value);
  const others = keys.filter((key) => key !== "$unknown");
  return others.length < keys.length ? [...others, "$unknown"] : keys;
}

function valueAt(value: object, key: string | symbol): unknown {
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

/**
 * How much a decoder has made of its input: elements, entries and messages, and the length of texts and bytes. Each is
 * at least a byte in there.
 */
export function sizeOf(value: unknown): number {
  // A 64-bit integer may be kept as text, and then is longer than it was.
  if (typeof value === "string") return /^-?\d+$/.test(value) ? 0 : value.length;
  if (value instanceof Uint8Array) return value.length;
  if (typeof value !== "object" || value === null) return 0;
  if (Array.isArray(value)) return value.reduce((sum: number, each) => sum + 1 + sizeOf(each), 0);
  const { $typeName, case: oneofCase, ...rest } = value as Record<string, unknown>;
  return Object.values(rest).reduce((sum: number, each) => sum + sizeOf(each), 0);
}

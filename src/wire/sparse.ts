// V8 keeps the values of numeric keys in an array with a place for each number before them: 12 KB for { "1000": "" } alone. A
// message of a few bytes must not take that much. Of an object that has once had a key far away, V8 keeps a hash table.

/** V8 does not reserve so many places for one key. */
const FAR = 5000;

/** Up to here, an array takes no more than a hash table. */
const NEAR = 16;

/** Up to so many places without a value before each value, an array takes no more than a hash table. */
const GAP = 4;

/** Makes V8 keep the values of an object's numeric keys in a hash table; gives the same object. */
export function makeSparse<T extends object>(map: T): T {
  if (FAR in map) return map;
  Reflect.set(map, FAR, "");
  Reflect.deleteProperty(map, FAR);
  return map;
}

/** Whether V8 would reserve many places for this key, which is to be added to a map. */
export function isScattered(map: object, key: string | number | bigint | boolean): boolean {
  // Most names are not numbers.
  if (typeof key === "string" && (key.length > 4 || !(key.charCodeAt(0) <= NINE))) return false;
  const index = Number(key);
  if (!(index >= NEAR && index < FAR)) return false;
  for (let before = index - GAP; before < index; before++) if (before in map) return false;
  return true;
}

const NINE = 0x39;

import type { Message } from "@bufbuild/protobuf";
import type { Random } from "../../src/testing/random.js";

/** Puts something into a message, at any depth, that may not belong there. */
export function spoil(message: Message, random: Random): void {
  const places = placesIn(message);
  const { holder, key } = random.pick(places);
  random.pick(changes)(holder, key, random);
}

interface Place {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** Every property of every object in there. */
function placesIn(value: unknown): Place[] {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [{ holder, key }, ...placesIn(holder[key])]);
}

type Change = (holder: Record<string, unknown>, key: string, random: Random) => void;

const changes: readonly Change[] = [
  (holder, key, random) => set(holder, key, random.pick(values)()),
  (holder, key, random) => set(holder, key, random.pick(values)()),
  (holder, key, random) => set(holder, random.pick(names), holder[key] ?? random.pick(values)()),
  (holder, key) => void delete holder[key],
  (holder, key) => set(holder, key, Object.create(null, Object.getOwnPropertyDescriptors(Object(holder[key])))),
  (holder, key) => set(holder, key, Object.assign(Object.create({ inherited: 1 }), holder[key])),
  (holder, key) => {
    const value = holder[key];
    Object.defineProperty(holder, key, { get: () => value, enumerable: true, configurable: true });
  },
  (holder, key) => {
    const value = holder[key];
    delete holder[key];
    Object.setPrototypeOf(holder, Object.defineProperty({}, key, { get: () => value, configurable: true }));
  },
];

function set(holder: Record<string, unknown>, key: string, value: unknown): void {
  if (holder !== value) Object.defineProperty(holder, key, { value, ...ordinary });
}

const ordinary = { writable: true, enumerable: true, configurable: true };

const names = ["nothing", "__proto__", "$typeName", "$unknown", "case", "value", "toString", "constructor", "1", "-1"];

class Odd {
  readonly length = 0;
  readonly case = undefined;
}

const values: readonly (() => unknown)[] = [
  ...[undefined, null, "", "x", "0", "-0", "1e3", " 5", "\ud800", "a\udfffb", "é", "😀", true, false].map(
    (v) => () => v,
  ),
  ...[0, -0, 1, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, -(2 ** 31), 2 ** 32, 2 ** 53].map(
    (v) => () => v,
  ),
  ...[3.5e38, 3.4028234663852886e38, 1e-50, 127, 128, 16383, 16384, 2 ** 32 - 1].map((v) => () => v),
  ...[0n, 1n, -1n, 2n ** 63n - 1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n - 1n, 2n ** 64n].map((v) => () => v),
  ...["9223372036854775807", "-9223372036854775809", "18446744073709551616"].map((v) => () => v),
  () => [],
  () => ["x"],
  () => new Array(2),
  () => ({}),
  () => ({ case: "chosenString", value: 5 }),
  () => ({ case: "nothing", value: 5 }),
  () => ({ case: undefined, value: 5 }),
  () => new Uint8Array(),
  () => Uint8Array.of(1, 2, 3),
  () => Buffer.from("abc"),
  () => new Uint8ClampedArray(2),
  () => new Date(0),
  () => new Map([["a", "b"]]),
  () => new Odd(),
  () => Symbol("x"),
  () => () => 1,
  () => new Proxy({}, {}),
  () => new Proxy([1, 2], {}),
  () => Object.freeze(["x"]),
];

import { fraction, mix, pick } from "./random.js";

/** The faults, and the probability of each at every opportunity. */
export type Weather = Readonly<Record<FaultKind, number>>;

const levels = {
  /** A message takes up to four seconds. */
  slow: [0, 0.02, 0.1, 0.3],
  /** A message to or from a replica is lost; a write comes later, as a hint. */
  lost: [0, 0.02, 0.1, 0.3],
  /** A write is lost, and does not come later. */
  noHint: [0, 0.1, 0.5],
  /** A message arrives a second time, up to a minute and a half later. */
  repeated: [0, 0.05, 0.3],
  /** A write reaches one replica, and stops there. */
  one: [0, 0.05, 0.2, 0.4],
  /** A request does not reach its coordinator, or only long after the client has given up. */
  strayed: [0, 0, 0, 0.05],
  /** The coordinator's answer is lost. */
  unanswered: [0, 0, 0, 0.05],
  /** The coordinator answers with an error, after it may have applied the write. */
  failing: [0, 0, 0.02, 0.1],
  /** A process stops for a while, up to fifty seconds. */
  pause: [0, 0.01, 0.05, 0.15],
  /** A process dies. */
  crash: [0, 0.005, 0.02, 0.05],
  /** A replica is down for a while. */
  down: [0, 0.3, 0.7],
  /** The connection between two data centres is cut for a while. */
  cut: [0.7],
  /** A host's clock goes wrong by far more than the limit, for a while. */
  wildClock: [0, 0, 0, 0.3],
} as const;

export type FaultKind = keyof typeof levels;
export const faultKinds = Object.keys(levels) as FaultKind[];

/** Every seed draws its own weather. */
export function weatherOf(seed: number): Weather {
  const drawn = faultKinds.map((kind, i) => [kind, pick<number>(levels[kind], fraction(mix(mix(seed, 7), i)))]);
  return Object.fromEntries(drawn) as Weather;
}

/** Nothing goes wrong. */
export const calm = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Weather;

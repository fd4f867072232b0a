import { fraction, mix } from "./random.js";
import { type FaultKind, faultKinds, type Weather } from "./weather.js";

/** Simulated time is in microseconds, from 0. */
export const MILLISECOND = 1e3;
export const SECOND = 1e6;

interface Event {
  readonly time: number;
  readonly order: number;
  readonly run: () => void;
}

export interface WorldOptions {
  readonly seed: number;
  readonly weather: Weather;
  /** Faults, by their names, that must not happen. */
  readonly masked?: ReadonlySet<string> | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** Turns of the event loop are expensive; this many events share one. */
const EVENTS_A_TURN = 64;

/** Maximum number of events: hundreds of times as many as a history has. */
const MAX_EVENTS = 500_000;

/** Simulated time, and the choice of faults. */
export class World {
  now = 0;
  events = 0;
  /** Whether the time of faults is over. */
  isCalm = false;
  readonly seed: number;
  /** The names of the faults that happened. */
  readonly fired: string[] = [];
  readonly #options: WorldOptions;
  readonly #heap: Event[] = [];

  constructor(options: WorldOptions) {
    this.seed = options.seed;
    this.#options = options;
  }

  get weather(): Weather {
    return this.#options.weather;
  }

  /** From 0 to below 1, by a key and what is asked of it. */
  roll(key: number, what: number): number {
    return fraction(mix(mix(this.seed, key), what));
  }

  /** Whether a fault happens. */
  fault(kind: FaultKind, key: number): boolean {
    const { weather, masked } = this.#options;
    if (this.isCalm || !(this.roll(key, 1000 + faultKinds.indexOf(kind)) < weather[kind])) return false;
    const name = `${kind} ${key >>> 0}`;
    if (masked?.has(name)) return false;
    this.fired.push(name);
    this.log?.(`fault: ${name}`);
    return true;
  }

  get log(): ((text: string) => void) | undefined {
    const { log } = this.#options;
    return log && ((text) => log(`${(this.now / SECOND).toFixed(6).padStart(11)}  ${text}`));
  }

  at(time: number, run: () => void): void {
    const heap = this.#heap;
    const event = { time: Math.max(time, this.now), order: this.events++, run };
    let i = heap.push(event) - 1;
    for (let up = (i - 1) >> 1; i > 0 && isBefore(event, heap[up] as Event); up = (i - 1) >> 1) {
      heap[i] = heap[up] as Event;
      heap[up] = event;
      i = up;
    }
  }

  after(delay: number, run: () => void): void {
    this.at(this.now + delay, run);
  }

  /**
   * Runs all events up to a time. Between two events, all microtasks run: Node empties their queue after each callback of
   * setImmediate, and nothing here waits for anything else.
   */
  runUntil(end: number): Promise<void> {
    return new Promise((resolve, reject) => {
      let waiting = 0;
      let isOver = false;
      const step = () => {
        waiting--;
        if (isOver) return;
        try {
          isOver = !this.#runNext(end);
        } catch (error) {
          isOver = true;
          reject(error);
        }
        if (isOver) resolve();
        else if (waiting === 0) fill();
      };
      const fill = () => {
        while (waiting < EVENTS_A_TURN) {
          waiting++;
          setImmediate(step);
        }
      };
      fill();
    });
  }

  /** False when there is nothing left to run. */
  #runNext(end: number): boolean {
    const [first] = this.#heap;
    if (first === undefined || first.time > end) {
      if (Number.isFinite(end)) this.now = Math.max(this.now, end);
      return false;
    }
    if (this.events > MAX_EVENTS) throw new Error(`the history of seed ${this.seed} does not end`);
    this.#removeFirst();
    this.now = first.time;
    first.run();
    return true;
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    if (heap.length === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Event, heap[child] as Event)) child++;
      if (child >= heap.length || !isBefore(heap[child] as Event, last)) break;
      heap[i] = heap[child] as Event;
      i = child;
    }
    heap[i] = last;
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.time < b.time || (a.time === b.time && a.order < b.order);
}

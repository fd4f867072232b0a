/** When trying again makes sense, by the errors after which it is known. */
const times = new WeakMap<object, number>();

/** Notes of an error that its task need not be tried again before a time, in milliseconds since 1970. */
export function setRetryTime(error: object, time: number): void {
  times.set(error, time);
}

/** How long after an error its task need not be tried again, in milliseconds; 0 if nothing is known. */
export function waitAfter(error: unknown): number {
  const time = typeof error === "object" && error !== null ? times.get(error) : undefined;
  return time === undefined ? 0 : Math.max(0, time - Date.now());
}

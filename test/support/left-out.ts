/**
 * The reason why some tests can't run here, for `skipIf` and their titles; undefined if they can. Throws if CI is set, where no
 * test may be left out unnoticed.
 */
export function leftOut(what: string, reason: string | undefined): string | undefined {
  if (reason === undefined) return undefined;
  if (process.env.CI) throw new Error(`${what}: not to be left out in CI: ${reason}`);
  console.warn(`left out: ${what}: ${reason}`);
  return reason;
}

import { describe, expect, it } from "vitest";
import { Lifecycle } from "../../src/adapter/index.js";
import { failureOf } from "./failure.js";

/** A lifecycle of numbers, which counts what it opens and notes what it closes. */
function counting(options: { failures?: number; usable?: (opened: number) => boolean } = {}) {
  const closed: number[] = [];
  let opened = 0;
  const lifecycle = new Lifecycle<number>({
    open: async () => {
      opened++;
      if (opened <= (options.failures ?? 0)) throw new Error(`attempt ${opened}`);
      return opened;
    },
    close: async (number, idle) => {
      await idle;
      closed.push(number);
    },
    ...(options.usable && { isUsable: options.usable }),
  });
  return { lifecycle, closed, openings: () => opened };
}

const itself = async <T>(opened: T) => opened;

describe("a lifecycle", () => {
  it("opens once for calls that come together, and not before the first", async () => {
    const { lifecycle, openings } = counting();
    expect(openings()).toBe(0);
    expect(await Promise.all([lifecycle.call(undefined, itself), lifecycle.call(undefined, itself)])).toEqual([1, 1]);
    expect(await lifecycle.call(undefined, itself)).toBe(1);
    expect(openings()).toBe(1);
  });

  it("tries again at the next call after opening has failed", async () => {
    const { lifecycle } = counting({ failures: 1 });
    await expect(lifecycle.call(undefined, itself)).rejects.toThrow("attempt 1");
    expect(await lifecycle.call(undefined, itself)).toBe(2);
  });

  it("opens anew what can't be used any more", async () => {
    const { lifecycle, closed } = counting({ usable: (opened) => opened > 1 });
    expect(await lifecycle.call(undefined, itself)).toBe(1);
    expect(await lifecycle.call(undefined, itself)).toBe(2);
    await lifecycle.close();
    expect(closed).toEqual([2]);
  });

  it("closes after the last call, and refuses calls from then on", async () => {
    const { lifecycle, closed } = counting();
    let finish = () => {};
    const call = lifecycle.call(undefined, async () => new Promise<void>((resolve) => (finish = resolve)));
    await lifecycle.call(undefined, itself);
    const closing = lifecycle.close();
    expect(await failureOf(() => lifecycle.call(undefined, itself))).toMatchObject({ code: "CLOSED" });
    expect(closed).toEqual([]);
    finish();
    await Promise.all([call, closing, lifecycle.close()]);
    expect(closed).toEqual([1]);
  });

  it("closes what was still being opened, and nothing that was never opened", async () => {
    const opening = counting();
    const call = opening.lifecycle.call(undefined, itself);
    await opening.lifecycle.close();
    expect([await call, opening.closed]).toEqual([1, [1]]);
    for (const never of [counting(), counting({ failures: 1 })]) {
      await never.lifecycle.call(AbortSignal.abort(), itself).catch(() => undefined);
      await never.lifecycle.close();
      expect(never.closed).toEqual([]);
    }
  });

  it("ends the wait of a call that is aborted while it opens, and goes on for the others", async () => {
    const { lifecycle, openings } = counting();
    const controller = new AbortController();
    const aborted = failureOf(() => lifecycle.call(controller.signal, itself));
    const other = lifecycle.call(undefined, itself);
    controller.abort();
    expect(await aborted).toMatchObject({ code: "ABORTED", outcome: "not-applied" });
    expect([await other, openings()]).toEqual([1, 1]);
  });
});

import { describe, expect, test } from "vitest";
import { readsUntil, toHistory } from "./history.js";
import { judge } from "./judge.js";
import type { Line, Listed } from "./log.js";

type Script = readonly Line[];

/** A process's calls and answers, at times that rise by themselves. */
class Tape {
  readonly lines: Line[] = [];
  #call = 0;

  save(at: number, until: number, id: string, token: string, answer: object): this {
    return this.#add(at, until, { op: "save", list: "l", id, token }, answer);
  }

  complete(at: number, until: number, id: string, version: number, answer: object = { done: true }): this {
    return this.#add(at, until, { op: "complete", list: "l", id, version }, answer);
  }

  find(at: number, until: number, id: string, found: readonly [number, string] | null): this {
    return this.#add(at, until, { op: "find", list: "l", id }, { found });
  }

  all(at: number, until: number, listed: readonly Listed[], ended = true, before?: number): this {
    const cutoff = before === undefined ? {} : { before };
    return this.#add(at, until, { op: "all", list: "l", ...cutoff }, { listed, ended });
  }

  /** `until` is 0 for a call that has no answer. */
  #add(at: number, until: number, call: object, answer: object): this {
    this.lines.push({ at, call: ++this.#call, ...call } as Line);
    if (until > 0) this.lines.push({ at: until, of: this.#call, ...answer } as Line);
    return this;
  }
}

const unknown = { error: "TIMEOUT", outcome: "unknown", message: "" };
const notApplied = { error: "UNAVAILABLE", outcome: "not-applied", message: "" };

function kindsOf(...tapes: readonly (Tape | Script)[]): string[] {
  const logs = new Map(tapes.map((tape, i) => [`p${i}`, tape instanceof Tape ? tape.lines : tape]));
  return judge(toHistory(logs)).map(({ kind }) => kind);
}

describe("an acknowledged save", () => {
  const saved = () => new Tape().save(1, 2, "a", "t1", { saved: 100 });

  test("that is found is well", () => {
    expect(kindsOf(saved(), new Tape().find(3, 4, "a", [100, "t1"]))).toEqual([]);
  });

  test("that is not found is missing", () => {
    expect(kindsOf(saved(), new Tape().find(3, 4, "a", null))).toEqual(["acknowledged save missing"]);
  });

  test("need not be found by a read that began before the answer", () => {
    expect(kindsOf(saved(), new Tape().find(2, 4, "a", null))).toEqual([]);
  });

  test("may be gone once a complete of its version has begun, whatever came of that", () => {
    const finds = new Tape().find(5, 8, "a", null);
    expect(kindsOf(saved(), new Tape().complete(6, 7, "a", 100), finds)).toEqual([]);
    expect(kindsOf(saved(), new Tape().complete(6, 7, "a", 100, unknown), finds)).toEqual([]);
    expect(kindsOf(saved(), new Tape().complete(6, 0, "a", 100), finds)).toEqual([]);
    expect(kindsOf(saved(), new Tape().complete(9, 10, "a", 100), finds)).toEqual(["acknowledged save missing"]);
  });

  test("may not be gone by a complete that was said not to be applied", () => {
    const finds = new Tape().find(5, 8, "a", null);
    expect(kindsOf(saved(), new Tape().complete(3, 4, "a", 100, notApplied), finds)).toEqual([
      "acknowledged save missing",
    ]);
  });

  test("may not be gone by the complete of an older holder", () => {
    const older = new Tape().complete(3, 4, "a", 99);
    expect(kindsOf(saved(), older, new Tape().find(5, 6, "a", null))).toEqual(["acknowledged save missing"]);
  });

  test("may not give way to an older version", () => {
    const older = new Tape().save(1, 2, "a", "t0", { saved: 90 });
    expect(kindsOf(saved(), older, new Tape().find(3, 4, "a", [90, "t0"]))).toEqual(["acknowledged save taken back"]);
  });

  test("may give way to one of unknown outcome, at any time later", () => {
    const later = new Tape().save(3, 4, "a", "t2", { ...unknown, version: 120 });
    const reads = new Tape().find(5, 6, "a", [100, "t1"]).find(7, 8, "a", [120, "t2"]);
    expect(kindsOf(saved(), later, reads)).toEqual([]);
  });

  test("may give way to one whose process was killed", () => {
    const later = new Tape().save(3, 0, "a", "t2", {});
    const gone: Script = [{ at: 4, gone: "p1" }];
    expect(kindsOf(saved(), later, new Tape().find(9, 10, "a", [120, "t2"]), gone)).toEqual([]);
  });

  test("of an older version than the one that was completed is as good as completed", () => {
    const later = new Tape().save(1, 2, "a", "t2", { saved: 120 }).complete(3, 4, "a", 120);
    expect(kindsOf(saved(), later, new Tape().find(5, 6, "a", null))).toEqual([]);
  });
});

describe("an acknowledged complete", () => {
  const completed = () => new Tape().save(1, 2, "a", "t1", { saved: 100 }).complete(3, 4, "a", 100);

  test("may not be undone", () => {
    expect(kindsOf(completed(), new Tape().find(5, 6, "a", [100, "t1"]))).toEqual(["acknowledged complete undone"]);
    expect(kindsOf(completed(), new Tape().all(5, 6, [["a", 100, "t1"]]))).toEqual(["acknowledged complete undone"]);
  });

  test("need not be seen by a read that began before the answer", () => {
    expect(kindsOf(completed(), new Tape().find(4, 6, "a", [100, "t1"]))).toEqual([]);
  });

  test("leaves a version that was saved later", () => {
    const later = new Tape().save(5, 6, "a", "t2", { saved: 110 });
    expect(kindsOf(completed(), later, new Tape().find(7, 8, "a", [110, "t2"]))).toEqual([]);
  });
});

describe("reads", () => {
  test("do not go back to an older version, also of saves of unknown outcome", () => {
    const saves = new Tape()
      .save(1, 2, "a", "t1", { ...unknown, version: 100 })
      .save(1, 2, "a", "t2", { ...unknown, version: 110 });
    const reads = new Tape().find(3, 4, "a", [110, "t2"]).find(5, 6, "a", [100, "t1"]);
    expect(kindsOf(saves, reads)).toEqual(["reads went back"]);
  });

  test.each([
    ["that nobody saved", [100, "t9"] as const],
    ["of a save that was said not to be applied", [100, "t1"] as const],
    ["at a later version than was acknowledged", [100, "t2"] as const],
    ["that is saved only later", [100, "t3"] as const],
  ])("do not give a task %s", (_, seen) => {
    const saves = new Tape()
      .save(1, 2, "a", "t1", notApplied)
      .save(1, 2, "a", "t2", { saved: 50 })
      .save(9, 10, "a", "t3", { saved: 100 });
    expect(kindsOf(saves, new Tape().find(3, 4, "a", seen))).toEqual(["unexplained task"]);
  });
});

describe("a pass", () => {
  const saves = () => new Tape().save(1, 2, "a", "t1", { saved: 100 }).save(3, 4, "b", "t2", { saved: 110 });

  test("gives every task that was open before it", () => {
    expect(kindsOf(saves(), new Tape().all(5, 6, [["a", 100, "t1"]]))).toEqual(["open task not listed"]);
    expect(kindsOf(saves(), new Tape().all(3, 6, [["a", 100, "t1"]]))).toEqual([]);
  });

  test("may leave out what is saved again, or completed, while it runs", () => {
    const pass = new Tape().all(5, 9, [["a", 100, "t1"]]);
    expect(kindsOf(saves(), pass, new Tape().save(6, 7, "b", "t3", { saved: 120 }))).toEqual([]);
    expect(kindsOf(saves(), pass, new Tape().complete(6, 7, "b", 110))).toEqual([]);
  });

  test("may not leave out a task for a save of unknown outcome that is over", () => {
    const pass = new Tape().all(8, 9, [["a", 100, "t1"]]);
    const unsure = new Tape().save(5, 6, "b", "t3", { ...unknown, version: 120 });
    expect(kindsOf(saves(), pass, unsure)).toEqual(["open task not listed"]);
  });

  test("that was broken off, or had a cutoff, owes only what lies before", () => {
    expect(kindsOf(saves(), new Tape().all(5, 6, [["a", 100, "t1"]], false))).toEqual([]);
    expect(kindsOf(saves(), new Tape().all(5, 6, [["a", 100, "t1"]], true, 110))).toEqual([]);
    expect(kindsOf(saves(), new Tape().all(5, 6, [["a", 100, "t1"]], true, 111))).toEqual(["open task not listed"]);
  });

  test("gives no version twice", () => {
    const listed: Listed[] = [
      ["a", 100, "t1"],
      ["b", 110, "t2"],
      ["a", 100, "t1"],
    ];
    expect(kindsOf(saves(), new Tape().all(5, 6, listed))).toEqual(["version listed twice"]);
  });

  test("owes a task again that was completed and saved anew", () => {
    const again = new Tape().complete(5, 6, "a", 100).save(7, 8, "a", "t3", { saved: 130 });
    const pass = new Tape().all(9, 10, [["b", 110, "t2"]]);
    expect(kindsOf(saves(), again, pass)).toEqual(["open task not listed"]);
  });
});

test("what is judged while processes go on is only what was read before their logs were", () => {
  const written = new Tape().save(1, 2, "a", "t1", { saved: 100 }).lines;
  const reads = new Tape().find(3, 4, "a", null).find(5, 6, "a", null).all(5, 7, []);
  const history = toHistory(
    new Map([
      ["writer", written],
      ["reader", reads.lines],
    ]),
  );
  expect(judge(readsUntil(history, 3))).toEqual([]);
  expect(judge(readsUntil(history, 4))).toHaveLength(1);
  expect(judge(readsUntil(history, 6))).toHaveLength(2);
  expect(judge(readsUntil(history, 7))).toHaveLength(3);
});

import type { Complete, Find, History, Pass, Save } from "./history.js";

export type ViolationKind =
  /** A task is missing whose save was acknowledged, and that was not completed at that version or a later one. */
  | "acknowledged save missing"
  /** A read returned an older version than one that was acknowledged. */
  | "acknowledged save taken back"
  | "acknowledged complete undone"
  /** A listing left out a task that was open all the time. */
  | "open task not listed"
  | "version listed twice"
  /** A read returned a version that was never written, or that was reported as not applied. */
  | "unexplained task"
  /** A read returned an older version than an earlier read. */
  | "reads went back";

export interface Violation {
  readonly kind: ViolationKind;
  readonly list: string;
  readonly id: string;
  /** When it was seen. */
  readonly at: number;
  readonly details: string;
}

/** A task as a find or a listing returned it; or that it was missing. */
interface Sight {
  readonly who: string;
  readonly start: number;
  readonly end: number;
  readonly version: number | undefined;
  readonly token: string | undefined;
}

/** Everything about one task. */
interface Story {
  readonly list: string;
  readonly id: string;
  readonly saves: Save[];
  readonly completes: Complete[];
  readonly sights: Sight[];
}

/**
 * Compares all reads with what was acknowledged. A read must show everything that was acknowledged before it began; writes in
 * flight during the read may be there or not; a write of unknown outcome may be applied at any later time.
 */
export function judge(history: History): Violation[] {
  const stories = tellStories(history);
  const violations: Violation[] = [];
  for (const story of stories.values()) violations.push(...judgeStory(story));
  violations.push(...judgePasses(history.passes, [...stories.values()]));
  return violations.sort((a, b) => a.at - b.at);
}

function tellStories({ saves, completes, finds, passes }: History): Map<string, Story> {
  const stories = new Map<string, Story>();
  const storyOf = (list: string, id: string) => {
    const key = `${list}\0${id}`;
    const story = stories.get(key) ?? { list, id, saves: [], completes: [], sights: [] };
    stories.set(key, story);
    return story;
  };
  for (const save of saves) storyOf(save.list, save.id).saves.push(save);
  for (const complete of completes) storyOf(complete.list, complete.id).completes.push(complete);
  for (const find of finds) storyOf(find.list, find.id).sights.push(sightOf(find));
  for (const { who, start, end, list, listed } of passes)
    for (const [id, version, token] of listed) storyOf(list, id).sights.push({ who, start, end, version, token });
  return stories;
}

function sightOf({ who, start, end, found }: Find): Sight {
  return { who, start, end, version: found?.[0], token: found?.[1] };
}

function* judgeStory(story: Story): Generator<Violation> {
  const bounds = new Bounds(story);
  const byToken = new Map(story.saves.map((save) => [save.token, save]));
  const seen = new Highest(
    story.sights.map(({ end, version }) => ({ at: end, value: version ?? 0 })),
    "before",
  );
  const say = (kind: ViolationKind, sight: Sight, details: string): Violation => ({
    kind,
    list: story.list,
    id: story.id,
    at: sight.end,
    details: `${sight.who} saw ${sight.version ?? "nothing"}; ${details}`,
  });
  for (const sight of story.sights) {
    const { start, end, version, token } = sight;
    const floor = bounds.acknowledged.at(start);
    const mayBeCompleted = bounds.completing.at(end);
    if (version === undefined) {
      if (floor > mayBeCompleted) yield say("acknowledged save missing", sight, describe(story, floor));
      continue;
    }
    if (version < floor) yield say("acknowledged save taken back", sight, describe(story, floor));
    if (version <= bounds.completed.at(start))
      yield say("acknowledged complete undone", sight, `completed: ${bounds.completed.at(start)}`);
    const before = seen.at(start);
    if (version < before && version >= floor) yield say("reads went back", sight, `seen before: ${before}`);
    const reason = unexplained(version, byToken.get(token ?? ""), end);
    if (reason) yield say("unexplained task", sight, `token ${token}: ${reason}`);
  }
}

function unexplained(version: number, save: Save | undefined, end: number): string | undefined {
  if (save === undefined) return "nobody saved this here";
  if (save.start > end) return "it was saved only later";
  if (save.fate === "not-applied") return "its save was said not to be applied";
  if (save.fate === "acknowledged" && version > (save.version ?? 0)) return `it was acknowledged as ${save.version}`;
  return undefined;
}

/** What the calls of a task allow at a moment. */
class Bounds {
  /** The latest version whose save had been acknowledged. */
  readonly acknowledged: Highest;
  /** The latest version whose complete had been acknowledged. */
  readonly completed: Highest;
  /** The latest version whose complete had begun, and may have been applied. */
  readonly completing: Highest;

  constructor({ saves, completes }: Story) {
    const acknowledged = saves.filter(({ fate }) => fate === "acknowledged");
    const completed = completes.filter(({ fate }) => fate === "acknowledged");
    const possible = completes.filter(({ fate }) => fate !== "not-applied");
    this.acknowledged = new Highest(
      acknowledged.map(({ end, version }) => ({ at: end, value: version ?? 0 })),
      "before",
    );
    this.completed = new Highest(
      completed.map(({ end, version }) => ({ at: end, value: version })),
      "before",
    );
    this.completing = new Highest(
      possible.map(({ start, version }) => ({ at: start, value: version })),
      "until",
    );
  }
}

/** The highest of the values at a moment: of those strictly before it, or of those up to it. */
class Highest {
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  readonly #isStrict: boolean;

  constructor(points: { at: number; value: number }[], which: "before" | "until") {
    this.#isStrict = which === "before";
    let highest = 0;
    for (const { at, value } of points.sort((a, b) => a.at - b.at)) {
      if (value <= highest) continue;
      highest = value;
      this.#times.push(at);
      this.#values.push(value);
    }
  }

  /** 0 if there is none. */
  at(moment: number): number {
    let [low, high] = [0, this.#times.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const time = this.#times[middle] as number;
      if (this.#isStrict ? time < moment : time <= moment) low = middle + 1;
      else high = middle;
    }
    return this.#values[low - 1] ?? 0;
  }

  get last(): number {
    return this.#values.at(-1) ?? 0;
  }

  /** When a value of at least this was first there. */
  firstAt(value: number): number {
    const index = this.#values.findIndex((each) => each >= value);
    return index === -1 ? Infinity : (this.#times[index] as number);
  }
}

/** The time in which a task must be in listings, according to its saves and completes. */
interface Open {
  readonly story: Story;
  readonly bounds: Bounds;
  readonly from: number;
  readonly until: number;
}

/** Listings that reached their end must contain every task that was open before and was not saved meanwhile. */
function* judgePasses(passes: readonly Pass[], stories: readonly Story[]): Generator<Violation> {
  for (const pass of passes) yield* findDoubles(pass);
  for (const list of new Set(passes.map((pass) => pass.list))) {
    const open = stories.filter((story) => story.list === list).flatMap(toOpen);
    open.sort((a, b) => a.from - b.from);
    const own = passes.filter((pass) => pass.list === list && pass.ended).sort((a, b) => a.start - b.start);
    let [active, next]: [Open[], number] = [[], 0];
    for (const pass of own) {
      for (; next < open.length && (open[next] as Open).from < pass.start; next++) active.push(open[next] as Open);
      active = active.filter(({ until }) => until >= pass.start);
      yield* findOmissions(pass, active);
    }
  }
}

function* findDoubles({ list, listed, who, end }: Pass): Generator<Violation> {
  const seen = new Set<string>();
  for (const [id, version] of listed) {
    const place = `${version} ${id}`;
    if (seen.has(place))
      yield { kind: "version listed twice", list, id, at: end, details: `${who} listed ${version} twice` };
    seen.add(place);
  }
}

/** From its first acknowledged save until a complete of the last one may have begun. */
function toOpen(story: Story): Open[] {
  const bounds = new Bounds(story);
  const last = bounds.acknowledged.last;
  if (last === 0) return [];
  return [{ story, bounds, from: bounds.acknowledged.firstAt(1), until: bounds.completing.firstAt(last) }];
}

function* findOmissions(pass: Pass, open: readonly Open[]): Generator<Violation> {
  const listed = new Set(pass.listed.map(([id]) => id));
  for (const { story, bounds } of open) {
    const { list, id } = story;
    const floor = bounds.acknowledged.at(pass.start);
    if (listed.has(id) || floor <= bounds.completing.at(pass.end)) continue;
    if (isSavedDuring(story, pass) || mayBeLaterThan(story, floor, pass)) continue;
    const details = `${pass.who} listed ${pass.listed.length} others; ${describe(story, floor)}`;
    yield { kind: "open task not listed", list, id, at: pass.end, details };
  }
}

function isSavedDuring({ saves }: Story, { start, end }: Pass): boolean {
  return saves.some((save) => save.start <= end && save.end >= start);
}

/** Whether the task may have a version after the listing's cutoff. */
function mayBeLaterThan({ saves }: Story, floor: number, { before }: Pass): boolean {
  return before !== Infinity && (floor >= before || saves.some(({ version }) => (version ?? Infinity) >= before));
}

/** The save that is missing, and other calls that may explain why. */
function describe({ saves, completes }: Story, floor: number): string {
  const save = saves.find(({ version, fate }) => version === floor && fate === "acknowledged");
  const others = completes.filter(({ version }) => version < floor).map(({ who, version }) => `${version} by ${who}`);
  const later = saves.filter(({ version, fate }) => fate !== "acknowledged" && (version ?? Infinity) > floor);
  return [
    `acknowledged: ${floor}, saved by ${save?.who}`,
    ...(others.length > 0 ? [`older versions completed: ${others.slice(-3).join(", ")}`] : []),
    ...(later.length > 0 ? [`saves of unknown outcome: ${later.map(({ who }) => who).join(", ")}`] : []),
  ].join("; ");
}

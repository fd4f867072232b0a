import { describe, expect, it } from "vitest";
import { MemoryAdapter } from "../../src/adapters/memory/index.js";
import { type AdapterFactory, adapterCases, type ConformanceOptions } from "../../src/testing/index.js";
import { SharedStore, withOwnClaims } from "./shared-store.js";
import * as wrongCalls from "./wrong-calls.js";
import * as wrongCapabilities from "./wrong-capabilities.js";
import * as wrongClaims from "./wrong-claims.js";
import * as wrongListing from "./wrong-listing.js";
import * as wrongSaving from "./wrong-saving.js";

async function run(name: string, factory: AdapterFactory, options: ConformanceOptions): Promise<void> {
  const found = adapterCases(factory, { timeout: 500, ...options }).find((each) => each.name === name);
  if (found === undefined) throw new Error(`there is no case "${name}"`);
  expect(found.skipped).toBeUndefined();
  await found.run();
}

/** Each of these adapters is wrong in one way, and each case beside it is one that says so. */
function describeWrong(
  group: string,
  adapters: Record<string, new () => MemoryAdapter>,
  caught: [string, string][],
  timeout = 500,
): void {
  describe(group, () => {
    it.each(caught)("%s is caught: %s", async (adapter, name) => {
      const WrongAdapter = adapters[adapter] as new () => MemoryAdapter;
      const options = { persistent: false, timeout };
      await run(name, () => new MemoryAdapter(), options);
      await expect(run(name, () => new WrongAdapter(), options)).rejects.toThrow();
    });

    it("names each of them", () => {
      expect(new Set(caught.map(([adapter]) => adapter))).toEqual(new Set(Object.keys(adapters)));
    });
  });
}

describeWrong("saving, completing and finding", wrongSaving, [
  ["LosesTheLastSave", "every entry of a call is saved"],
  ["KeepsTheFirstVersion", "a save that names the current version replaces it"],
  ["KeepsTheFirstVersion", "a blind save replaces the current version"],
  ["SwapsOutcomes", "outcomes are in the order of the entries, whatever their lists"],
  ["FailsTogether", "an entry that fails does not prevent the others from being saved"],
  ["LetsTheFirstWin", "of several saves of one key in a call, the last wins"],
  ["SharesAVersion", "a complete of an earlier save of the same call keeps the last"],
  ["AcknowledgesAnotherVersion", "a saved task is open, with the version that was acknowledged and its bytes"],
  ["IgnoresWhatIsReplaced", "versions are later than what is replaced, even if that is ahead of the clock"],
  ["LooksAtOneReplaced", "versions are later than all that a save of unknown outcome may have left"],
  ["HasItsOwnClock", "versions rise across adapters of one process"],
  ["CountsMilliseconds", "a version is the time of the save, in microseconds"],
  ["FollowsWildClocks", "a version far ahead of the clock does not affect the versions of other tasks"],
  ["CompletesNewerVersions", "a complete of an older version leaves a newer one"],
  ["CompletesExactlyOne", "a complete of a later version removes an older one"],
  ["FailsOnAbsentTasks", "a complete of a task that is not open succeeds"],
  ["AnswersOnce", "a key that is given twice is found twice"],
  ["HandsOutItsOwnBytes", "the caller may change bytes that were found or listed"],
  ["ReusesItsBuffer", "bytes that were found or listed do not change, whatever is read and saved later"],
  ["CutsKeysOff", "ids may have 512 bytes"],
  ["CutsKeysOff", "a list's name and an id may each have 512 bytes"],
  ["NormalizesKeys", "ids may contain awkward characters, and stay distinct"],
  ["NormalizesKeys", "names of lists may contain awkward characters, and stay distinct"],
  ["JoinsKeys", "lists and ids that look alike when joined stay distinct"],
]);

describeWrong("listing", wrongListing, [
  ["OrdersByIds", "tasks are listed oldest first, whatever their ids"],
  ["RepeatsAtPageBoundaries", "pages have at most pageSize tasks, and none is lost or repeated"],
  ["LosesAtPageBoundaries", "pages have at most pageSize tasks, and none is lost or repeated"],
  ["TellsAWrongTime", "the savedTime of a listed task is the clock's time of the save"],
  ["StopsAtALimit", "a long list is listed whole and in order, and is empty once it is completed"],
  ["ReadsBeforeTheFirstPull", "a listing begins at the first pull: tasks saved before it are listed"],
  ["ReadsBeforeTheFirstPull", "a listing begins at the first pull: tasks completed before it are not listed"],
  ["ReadsEverythingAtOnce", "a listing reads at most a page ahead: tasks completed beyond that are not listed"],
  [
    "ReadsEverythingAtOnce",
    "a listing reads at most a page ahead: tasks replaced beyond that are not listed in their old version",
  ],
  ["PagesByOffset", "completing each task when it is listed skips none"],
  ["FollowsTheList", "a listing ends even if each task is saved again when it is listed"],
  ["FollowsTheList", "a listing ends even if new tasks are saved as fast as it reads"],
  ["IgnoresSavedBefore", "with savedBefore, only earlier versions are listed"],
  ["IncludesSavedBefore", "with savedBefore, only earlier versions are listed"],
  ["IgnoresAfter", "with after, only later versions are listed"],
  ["IncludesAfter", "with after, only later versions are listed"],
  ["GivesBodiesAlways", "a listing without bodies has the same ids and versions"],
  ["TrustsWildClocks", "a task whose version lies far ahead of the clock may be of any age"],
  ["IgnoresPageSize", "pages have at most pageSize tasks, and none is lost or repeated"],
  ["IgnoresMaxPageBytes", "a page ends before the task that would exceed maxPageBytes"],
  ["GivesEmptyPages", "pages skip completed tasks, however many lie between, and are never empty"],
  ["GoesOnAfterReturn", "a listing that is left early has ended, and the next one starts from the beginning"],
  ["EndsQuietlyAtClose", "a listing that close interrupts fails with CLOSED, instead of ending early"],
]);

describeWrong("what not every store can do", wrongCapabilities, [
  ["SavesOneByOne", "none is saved if one fails, and what was stored stays"],
  ["SavesBackwards", "all entries are saved together, whatever their lists, in their order"],
  ["ForgetsAVersion", "each entry has its own version, later than what it replaces"],
  ["SavesTheAborted", "a saveTogether that was aborted before the call saves nothing"],
  ["RepeatsLists", "every list with an open task is named, once"],
  ["NamesAHundred", "awkward names of lists are returned unchanged"],
  ["FoldsNames", "awkward names of lists are returned unchanged"],
  ["NamesTheAborted", "a call of lists that was aborted before the first pull fails at that pull"],
  ["ForgetsLists", "a list is named as long as one of its tasks is open"],
]);

describeWrong("opening, aborting and closing", wrongCalls, [
  ["WantsToBeOpened", "every call opens the store by itself"],
  ["RemembersAFailedOpening", "an opening that was aborted can be repeated"],
  ["IgnoresSignals", "a save that was aborted before the call stores nothing, and is reported as not applied"],
  ["IgnoresSignals", "a complete that was aborted before the call removes nothing, and is reported as not applied"],
  ["IgnoresSignals", "a listing that was aborted before the first pull fails at that pull"],
  ["IgnoresSignals", "a listing that is aborted between two pulls fails at the second"],
  ["DeniesWhatItDid", "a save that is aborted in flight reports its true outcome"],
  ["DeniesWhatItDid", "a complete that is aborted in flight reports its true outcome"],
  ["AppliesWhatItDenied", "a save that was aborted before the call stores nothing, and is reported as not applied"],
  ["AbortsItsNeighbours", "an abort of one call does not affect other calls in flight"],
  ["LeavesListeners", "an abort after the end of a call changes nothing, and no listeners stay on the signal"],
  ["ClosesWithoutWaiting", "close waits for saves and completes in flight, and they succeed"],
  ["DropsWhatIsUnderWay", "close waits for saves and completes in flight, and they succeed"],
  ["GoesOnAfterClose", "every call after close fails with CLOSED"],
  ["ClosesOnce", "an adapter can be closed again, and twice at once"],
  ["WaitsForItsPasses", "paused listings block neither saves nor completes nor close"],
  ["CompletesInTwoSteps", "a complete beside a newer save does not remove it"],
  ["RemovesBeforeItSaves", "reads beside saves always find the task, in one whole version"],
]);

describeWrong(
  "claims",
  wrongClaims,
  [
    ["GrantsToEveryOwner", "while a claim lasts, no other owner is granted one"],
    ["GrantsToEveryOwner", "of many concurrent claims, exactly one is granted"],
    ["GrantsInTwoSteps", "of many concurrent claims, exactly one is granted"],
    ["RepeatsTokens", "tokens grow with every claim to a task, across releases, saves and completes"],
    ["CountsTokensAnew", "tokens grow with every claim to a task, across releases, saves and completes"],
    ["NeverExpires", "a claim ends with its lease, and not before"],
    ["ExpiresEarly", "a claim ends with its lease, and not before"],
    ["RenewsInWordsOnly", "a renewed claim lasts for its new lease, from the renewal"],
    ["RenewsInWordsOnly", "of a renewal and another owner's claim at the end of a lease, exactly one succeeds"],
    ["RenewsFromTheEnd", "a renewed claim lasts for its new lease, from the renewal"],
    ["ShortensLeases", "a renewal never shortens a lease: it may arrive late"],
    ["RenewsForAnybody", "a claim that another owner took over can be neither renewed nor released"],
    ["ReleasesForAnybody", "a claim that another owner took over can be neither renewed nor released"],
    ["ReleasesForAnybody", "a claim to an earlier version does not affect a claim to a later one"],
    ["RenewsWhatIsReleased", "a released claim can't be renewed, and others can claim the task at once"],
    ["RefusesLateRenewals", "an expired lease can be renewed as long as nobody else has claimed the task"],
    ["IgnoresRetryIn", "a task that was released with a delay can't be claimed earlier, by anybody"],
    ["GrantsWhatIsNotOpen", "a version that was replaced, completed or never saved can't be claimed"],
    ["LeavesTraces", "a refused claim changes nothing"],
    ["ClaimsEveryVersion", "a claim is for one version: a later one can be claimed at once"],
    ["MakesLaterVersionsWait", "the delay after a release does not apply to a later version"],
    ["ForgetsAtSave", "attempts count the claims to a task, also if it is saved again"],
    ["CountsForEver", "attempts begin at 1 if a task is saved anew after a complete under its claim"],
    ["LocksTasks", "a claim prevents nobody from saving, finding, listing and completing"],
    ["ClaimsLists", "a claim to a task blocks no other task, of its list or of another"],
    ["FoldsIds", "tasks with awkward ids, and with the longest, are claimed separately"],
    ["RefusesItsOwner", "an owner who claims a task again replaces its own claim"],
    ["SortsStates", "the states of claims are in the order of the keys"],
    [
      "IgnoresClaimSignals",
      "a call on claims that was aborted before it began changes nothing, and rejects with ABORTED",
    ],
    ["TakesMarksForClaims", "a mark prevents other marks, also on a later version, but no claims"],
    ["MarksOverClaims", "a task that is claimed, or waits to be tried again, is not marked"],
    ["MarksAsClaimed", "a mark does not count as an attempt, and keeps the state of the last claim"],
    ["ClaimsAfterClose", "every call on claims after close fails with CLOSED"],
    [
      "GrantsToEveryOwner",
      "whatever is claimed, renewed, released, saved and completed, one owner at a time has the task",
    ],
  ],
  10_000,
);

describe("a store of several adapters", () => {
  it("is caught where each adapter has claims of its own", async () => {
    const { connect } = new SharedStore();
    const names = [
      "of concurrent claims of several adapters, exactly one is granted",
      "a task that one adapter has claimed, another refuses until it is released",
      "a claim lasts after the adapter that made it is closed",
    ];
    for (const name of names) {
      await run(name, connect, { timeout: 5000 });
      await expect(run(name, () => withOwnClaims(connect()), {})).rejects.toThrow();
    }
  });

  it("is caught where each adapter has its own", async () => {
    const factory = () => new MemoryAdapter();
    await expect(run("acknowledged saves and completes survive close, in their order", factory, {})).rejects.toThrow();
    await expect(run("one adapter finds, lists and completes what another saved", factory, {})).rejects.toThrow();
  });

  it("is caught where it takes a save that was held up", async () => {
    const { connect, revive } = new SharedStore();
    const name = "a completed version stays completed when its save arrives once more";
    await expect(run(name, connect, { redeliver: revive })).rejects.toThrow();
  });

  it("is caught reading before the first pull", async () => {
    let reads = 0;
    class Eager extends MemoryAdapter {
      override all(...call: Parameters<MemoryAdapter["all"]>): ReturnType<MemoryAdapter["all"]> {
        reads++;
        return super.all(...call);
      }
    }
    const name = "nothing is read before the first pull";
    await expect(run(name, () => new Eager(), { reads: () => reads })).rejects.toThrow("before the first pull");
  });
});

describe("random concurrent calls", () => {
  const name = "after random concurrent calls, the versions decide which tasks are open";
  const { CompletesInTwoSteps, RemovesBeforeItSaves } = wrongCalls;

  it.each([CompletesInTwoSteps, RemovesBeforeItSaves])("catch %o", async (WrongAdapter) => {
    await expect(run(name, () => new WrongAdapter(), { persistent: false })).rejects.toThrow();
  });
});

describe("random histories", () => {
  const name = "an adapter does what a simple model does, whatever is called";
  const { CompletesNewerVersions, KeepsTheFirstVersion, LetsTheFirstWin } = wrongSaving;
  const { IgnoresSavedBefore, LosesAtPageBoundaries, OrdersByIds } = wrongListing;

  it.each([
    ...[CompletesNewerVersions, KeepsTheFirstVersion, LetsTheFirstWin],
    ...[IgnoresSavedBefore, LosesAtPageBoundaries, OrdersByIds],
  ])("catch %o, and name the seed", async (WrongAdapter) => {
    await expect(run(name, () => new WrongAdapter(), { seeds: [4] })).rejects.toThrow(/^with seed 4, at step \d+: /);
  });
});

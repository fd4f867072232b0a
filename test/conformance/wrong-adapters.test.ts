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
  ["LosesTheLastSave", "every entry of a call is there"],
  ["KeepsTheFirstVersion", "a save by its holder replaces the version that was there"],
  ["KeepsTheFirstVersion", "a blind save replaces the version that was there"],
  ["SwapsOutcomes", "outcomes come in the order of the entries, whatever their lists"],
  ["FailsTogether", "an entry that fails does not keep the others from being saved"],
  ["LetsTheFirstWin", "of saves of one key in a call the last wins"],
  ["SharesAVersion", "a complete of an earlier save of the same call leaves the last"],
  ["AcknowledgesAnotherVersion", "a saved task is there, with the bytes of the version that was acknowledged"],
  ["IgnoresWhatIsReplaced", "versions are later than what is replaced, even where that is ahead of the clock"],
  ["LooksAtOneReplaced", "versions are later than all that a save of unknown outcome may have left"],
  ["HasItsOwnClock", "versions rise from adapter to adapter of one process"],
  ["CountsMilliseconds", "a version is the time of the save, in microseconds"],
  ["FollowsWildClocks", "a version far ahead of the clock moves its own task and no other"],
  ["CompletesNewerVersions", "a complete of an older version leaves a newer one"],
  ["CompletesExactlyOne", "a complete of a later version removes an older one"],
  ["FailsOnAbsentTasks", "a complete of what is not there is a success"],
  ["AnswersOnce", "what is asked for twice is found twice"],
  ["HandsOutItsOwnBytes", "bytes that were found or listed are the caller's to change"],
  ["ReusesItsBuffer", "bytes that were found or listed stay as they are, whatever is read and saved later"],
  ["CutsKeysOff", "ids may have 512 bytes"],
  ["CutsKeysOff", "lists and ids together may have 512 bytes each"],
  ["NormalizesKeys", "ids may hold every awkward character, and each is another id"],
  ["NormalizesKeys", "lists may hold every awkward character, and each is another list"],
  ["JoinsKeys", "keys that begin alike are apart"],
]);

describeWrong("listing", wrongListing, [
  ["OrdersByIds", "tasks come oldest first, whatever their ids"],
  ["RepeatsAtPageBoundaries", "pages hold at most pageSize tasks, and lose and repeat none"],
  ["LosesAtPageBoundaries", "pages hold at most pageSize tasks, and lose and repeat none"],
  ["TellsAWrongTime", "the time of a save that a listing tells beside its version is by the clock"],
  ["StopsAtALimit", "a long list comes whole and in order, and is gone once it is completed"],
  ["ReadsBeforeTheFirstPull", "a pass begins at the first pull: what was saved before it is there"],
  ["ReadsBeforeTheFirstPull", "a pass begins at the first pull: what was completed before it is not there"],
  ["ReadsEverythingAtOnce", "a pass reads at most a page ahead: what is completed beyond that does not come"],
  [
    "ReadsEverythingAtOnce",
    "a pass reads at most a page ahead: what is replaced beyond that does not come in its old version",
  ],
  ["PagesByOffset", "completing each task as it comes skips none"],
  ["FollowsTheList", "a pass ends, even if each task is saved again as it comes"],
  ["FollowsTheList", "a pass ends, even if new tasks are saved as fast as it reads"],
  ["IgnoresSavedBefore", "only versions before savedBefore come"],
  ["IncludesSavedBefore", "only versions before savedBefore come"],
  ["IgnoresAfter", "only versions later than after come"],
  ["IncludesAfter", "only versions later than after come"],
  ["GivesBodiesAlways", "without bodies, the same keys and versions come"],
  ["TrustsWildClocks", "a task whose version lies far ahead of the clock may be of any age"],
  ["IgnoresPageSize", "pages hold at most pageSize tasks, and lose and repeat none"],
  ["IgnoresMaxPageBytes", "a page ends before the envelope that would carry it over maxPageBytes"],
  ["GivesEmptyPages", "pages skip completed tasks, however many lie between, and are never empty"],
  ["GoesOnAfterReturn", "a pass that is left has ended, and the next one begins anew"],
  ["EndsQuietlyAtClose", "a pass that is not at its end fails with CLOSED: it does not end as if there were no more"],
]);

describeWrong("what not every store can do", wrongCapabilities, [
  ["SavesOneByOne", "none is saved if one can't be, and what was there stays"],
  ["SavesBackwards", "what is saved together is all there, whatever its lists, in its order"],
  ["ForgetsAVersion", "each has a version of its own, later than what it replaces"],
  ["SavesTheAborted", "what is aborted before the call is not saved"],
  ["RepeatsLists", "every list with an open task is named, once"],
  ["NamesAHundred", "lists with awkward names are named as they are"],
  ["FoldsNames", "lists with awkward names are named as they are"],
  ["NamesTheAborted", "lists that were aborted before the first pull fail at it"],
  ["ForgetsLists", "a list is named as long as one of its tasks is open"],
]);

describeWrong("opening, aborting and closing", wrongCalls, [
  ["WantsToBeOpened", "every call opens the store by itself"],
  ["RemembersAFailedOpening", "an opening that was aborted can be repeated"],
  ["IgnoresSignals", "a save that was aborted before the call stores nothing, and says so"],
  ["IgnoresSignals", "a complete that was aborted before the call removes nothing, and says so"],
  ["IgnoresSignals", "a pass that was aborted before the first pull fails at it"],
  ["IgnoresSignals", "a pass that is aborted between two pulls fails at the second"],
  ["DeniesWhatItDid", "what a save says that was aborted under way is true"],
  ["DeniesWhatItDid", "what a complete says that was aborted under way is true"],
  ["AppliesWhatItDenied", "a save that was aborted before the call stores nothing, and says so"],
  ["AbortsItsNeighbours", "an abort of one call leaves the others that are under way"],
  ["LeavesListeners", "an abort after the end changes nothing, and the signal is left without listeners"],
  ["ClosesWithoutWaiting", "close waits for the saves and completes under way, and they succeed"],
  ["DropsWhatIsUnderWay", "close waits for the saves and completes under way, and they succeed"],
  ["GoesOnAfterClose", "every call after close fails with CLOSED"],
  ["ClosesOnce", "an adapter can be closed again, and twice at once"],
  ["WaitsForItsPasses", "passes that stand still hold up neither saves nor completes nor close"],
  ["CompletesInTwoSteps", "a complete that meets a newer save leaves it"],
  ["RemovesBeforeItSaves", "what is read beside saves is whole, and always there"],
]);

describeWrong(
  "claims",
  wrongClaims,
  [
    ["GrantsToEveryOwner", "while a claim lasts, no other owner is granted one"],
    ["GrantsToEveryOwner", "of many claims at once one is granted"],
    ["GrantsInTwoSteps", "of many claims at once one is granted"],
    ["RepeatsTokens", "tokens grow with every claim to a task, over releases, saves and completes"],
    ["CountsTokensAnew", "tokens grow with every claim to a task, over releases, saves and completes"],
    ["NeverExpires", "a claim ends with its lease, and not before"],
    ["ExpiresEarly", "a claim ends with its lease, and not before"],
    ["RenewsInWordsOnly", "a claim that is renewed lasts from then, as long as is asked"],
    ["RenewsInWordsOnly", "of a renewal and another's claim at the end of a lease one succeeds"],
    ["RenewsFromTheEnd", "a claim that is renewed lasts from then, as long as is asked"],
    ["ShortensLeases", "a renewal makes no lease shorter: it may come late"],
    ["RenewsForAnybody", "a claim that was overtaken can be neither renewed nor released"],
    ["ReleasesForAnybody", "a claim that was overtaken can be neither renewed nor released"],
    ["ReleasesForAnybody", "a claim to an earlier version can't touch that to a later one"],
    ["RenewsWhatIsReleased", "a released claim has ended: it can't be renewed, and others may have the task at once"],
    ["RefusesLateRenewals", "a lease that is over can be renewed, as long as nobody else has the task"],
    ["IgnoresRetryIn", "a task that was released to be tried later can't be claimed before, by anybody"],
    ["GrantsWhatIsNotOpen", "a version that was replaced, completed or never saved can't be claimed"],
    ["LeavesTraces", "a claim that was refused leaves no trace"],
    ["ClaimsEveryVersion", "a claim is for one version: one that is saved later can be claimed at once"],
    ["MakesLaterVersionsWait", "a later version does not wait for what an earlier one was released to"],
    ["ForgetsAtSave", "attempts count the claims to a task, also over saves"],
    ["CountsForEver", "attempts begin at 1 where a task was completed under its claim, and is saved anew"],
    ["LocksTasks", "a claim keeps nobody from saving, finding, listing and completing"],
    ["ClaimsLists", "a claim to a task leaves all others free, of its list and of other lists"],
    ["FoldsIds", "tasks with every awkward id, and the longest, are claimed each for itself"],
    ["RefusesItsOwner", "an owner who claims a task again takes it over from itself"],
    ["SortsStates", "what is remembered of claims is told in the order of the keys"],
    ["IgnoresClaimSignals", "what is aborted before the call changes nothing, and says so"],
    ["TakesMarksForClaims", "a mark keeps others from setting one, also on a later version, and nobody from claiming"],
    ["MarksOverClaims", "what somebody has claimed, or waits to be tried again, is not marked"],
    ["MarksAsClaimed", "a mark counts as no attempt, and keeps what was known of the last claim"],
    ["ClaimsAfterClose", "after close every call fails with CLOSED"],
    ["GrantsToEveryOwner", "whoever claims, renews, releases, saves and completes: one owner has the task at a time"],
  ],
  10_000,
);

describe("a store of several adapters", () => {
  it("is caught where each adapter has claims of its own", async () => {
    const { connect } = new SharedStore();
    const names = [
      "of the claims of several adapters at once one is granted",
      "what one adapter has claimed, another refuses, and takes over once it is released",
      "a claim outlives the adapter that it was made with",
    ];
    for (const name of names) {
      await run(name, connect, { timeout: 5000 });
      await expect(run(name, () => withOwnClaims(connect()), {})).rejects.toThrow();
    }
  });

  it("is caught where each adapter has its own", async () => {
    const factory = () => new MemoryAdapter();
    await expect(run("what was acknowledged is there after close, in its order", factory, {})).rejects.toThrow();
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

describe("random calls at once", () => {
  const name = "whatever is called at once, what is open is what the versions say";
  const { CompletesInTwoSteps, RemovesBeforeItSaves } = wrongCalls;

  it.each([CompletesInTwoSteps, RemovesBeforeItSaves])("catch %o", async (WrongAdapter) => {
    await expect(run(name, () => new WrongAdapter(), { persistent: false })).rejects.toThrow();
  });
});

describe("random histories", () => {
  const name = "an adapter does what a plain model does, whatever is called";
  const { CompletesNewerVersions, KeepsTheFirstVersion, LetsTheFirstWin } = wrongSaving;
  const { IgnoresSavedBefore, LosesAtPageBoundaries, OrdersByIds } = wrongListing;

  it.each([
    ...[CompletesNewerVersions, KeepsTheFirstVersion, LetsTheFirstWin],
    ...[IgnoresSavedBefore, LosesAtPageBoundaries, OrdersByIds],
  ])("catch %o, and name the seed", async (WrongAdapter) => {
    await expect(run(name, () => new WrongAdapter(), { seeds: [4] })).rejects.toThrow(/^with seed 4, at step \d+: /);
  });
});

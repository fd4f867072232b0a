import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import { temporaryFolder } from "../support/folders.js";
import { describeBoarding } from "./boarding.js";
import { describeChanging } from "./changing.js";
import { buildDescriptors } from "./descriptors.js";

import { describeLooking } from "./looking.js";
import { describeMoving } from "./moving.js";
import { describeNaming } from "./naming.js";
import { openTestStore, type TestStore } from "./stores.js";

const folder = temporaryFolder();
const descriptors = buildDescriptors();
let store: TestStore;
beforeAll(async () => {
  store = await openTestStore(`sqlite:${join(folder, "ledger.db")}`);
});
afterAll(() => store.tasks.close());

describe("on SQLite", { timeout: 60_000 }, () => {
  describeLooking(() => store, descriptors);
  describeChanging(() => store);
  describeMoving(() => store, descriptors);
  describeNaming(() => store);
  describeBoarding(() => store);
});

import { join } from "node:path";
import type { Page } from "playwright-core";
import { SqliteAdapter } from "taskledger/sqlite";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { temporaryFolder } from "../support/folders.js";
import { setUpBrowser, violations, visit } from "./browsing.js";
import { findChromium, whyLeftOut } from "./chromium.js";
import { type SampleTasks, sampleTasks, saveDamaged, saveOpaque } from "./sample.js";

const folder = temporaryFolder();
const LIST = "acme.com";
const save = (tasks: SampleTasks, id: string, more: object = {}) =>
  tasks.create(FetchFileTask, { taskList: LIST, id, externalHost: "acme.com", filename: `${id}.txt`, ...more });

/** The text of the page's cells, a line each. */
const rows = (page: Page) => page.locator("tbody tr").allInnerTexts();
const link = (page: Page, name: string) => page.getByRole("link", { name, exact: true });
const heading = (page: Page) => page.locator("h1").textContent();

/** A page with everything that there is to see. */
async function fill(tasks: SampleTasks): Promise<void> {
  const task = await save(tasks, "claimed");
  await tasks.claim(task, { owner: "worker-7", lease: 3_600_000 });
  await (await tasks.claim(await save(tasks, "waiting")))?.release({ retryIn: 3_600_000 });
  await tasks.save(
    FetchFileTask.build({ taskList: LIST, id: "traced" }, { headers: { traceparent: `00-${"ab".repeat(16)}-cd-01` } }),
  );
  await saveOpaque(tasks, LIST, "opaque");
  await saveDamaged(tasks, LIST, "damaged");
  await save(tasks, "x".repeat(512));
}

describe.skipIf(findChromium() === undefined)(`the board in a browser (if not: ${whyLeftOut})`, () => {
  setUpBrowser();

  test("lets in who has the token, which stays in no address, and nobody else", async () => {
    const { page, origin } = await visit();
    expect(page.url()).toBe(`${origin}/`);
    expect(await heading(page)).toBe("Lists");
    expect(await page.context().cookies()).toMatchObject([{ httpOnly: true, sameSite: "Strict" }]);
    expect(await page.evaluate("document.cookie")).toBe("");
    await page.reload();
    expect(await heading(page)).toBe("Lists");
  });

  test("without tasks says where completed ones are", async () => {
    const { page } = await visit();
    expect(await page.locator("main").textContent()).toContain("docs/completed.md");
  });

  test("shows lists and tasks that appear, change and go, without a reload, and keeps the focus", async () => {
    const { page, tasks } = await visit();
    await page.evaluate(() => Object.assign(globalThis, { isSamePage: true }));
    const task = await save(tasks, "first");
    await link(page, LIST).waitFor();
    expect(await rows(page)).toHaveLength(1);
    await page.locator("tbody a").focus();
    await save(tasks, "second");
    await page.locator('td[data-label="Open"]:text("2")').waitFor();
    expect(await page.evaluate("document.activeElement?.textContent")).toBe(LIST);
    expect(await page.evaluate(() => Object.hasOwn(globalThis, "isSamePage"))).toBe(true);
    await page.locator("tbody a").click();
    await link(page, "second").waitFor();
    await task.complete();
    await link(page, "first").waitFor({ state: "detached" });
    expect(await rows(page)).toHaveLength(1);
    expect(await page.locator("#live").textContent()).toContain("Live");
  });

  test("shows data decoded, and a script in it as text", async () => {
    const filename = `<script>alert(1)</script><img src=x onerror=alert(2)>"'&`;
    const tasks = sampleTasks();
    await save(tasks, "a", { filename, size: 2n ** 60n });
    const { page } = await visit({ tasks });
    await page.locator("tbody a").click();
    expect(await page.locator("td.data").textContent()).toContain(JSON.stringify(filename));
    await page.locator("tbody a").click();
    const text = await page.locator("pre").textContent();
    expect(JSON.parse(text ?? "")).toEqual({
      "@type": "type.googleapis.com/example.v1.FetchFile",
      ...{ externalHost: "acme.com", filename, size: "1152921504606846976" },
    });
    expect(await page.locator("main script, main img").count()).toBe(0);
  });

  test("shows what can't be read with its bytes, claims, attempts and traces", async () => {
    const tasks = sampleTasks();
    await fill(tasks);
    const { page, origin } = await visit({ tasks });
    await page.goto(`${origin}/list?list=${LIST}`);
    const text = (await rows(page)).join("\n");
    expect(text).toMatch(/claimed\s.*FetchFile\s.*1\s+worker-7, for 59m/);
    expect(text).toMatch(/waiting\s.*waits for 59m/);
    expect(text).toMatch(/opaque\s+acme.v1.Other opaque/);
    await link(page, "opaque").click();
    expect(await page.locator(".notice").textContent()).toContain("Not readable here");
    expect(await page.locator("pre").textContent()).toContain('"@bytes": "CAc="');
    const download = page.waitForEvent("download");
    await page.locator("a[download]").click();
    expect((await download).suggestedFilename()).toBe("task.bin");
    await page.goto(`${origin}/task?list=${LIST}&id=damaged`);
    expect(await page.locator(".notice").textContent()).toContain("Damaged");
    await page.goto(`${origin}/task?list=${LIST}&id=traced`);
    expect(await page.locator("dl").textContent()).toContain("ab".repeat(16));
  });

  test("completes a task with the keyboard alone", async () => {
    const tasks = sampleTasks();
    await save(tasks, "a");
    const { page, actions } = await visit({ tasks, allowActions: true, expectsFailure: true });
    const focused = () => page.evaluate<string>("document.activeElement?.textContent?.trim() ?? ''");
    const goTo = async (text: string | RegExp) => {
      for (let i = 0; i < 20; i++) {
        await page.keyboard.press("Tab");
        if (new RegExp(text).test(await focused())) return;
      }
      throw new Error(`${text} can't be reached with Tab`);
    };
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("Skip to the content");
    await goTo(`^${LIST}$`);
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/list\?/);
    await goTo("^a$");
    await page.keyboard.press("Enter");
    await page.waitForURL(/\/task\?/);
    await goTo("^Complete this task$");
    await page.keyboard.press("Enter");
    await goTo("^Complete version");
    await page.keyboard.press("Enter");
    await page.locator("text=This task is not open").waitFor();
    expect(await tasks.find(LIST, "a")).toBeUndefined();
    expect(actions).toMatchObject([{ action: "complete", id: "a", result: "done" }]);
  });

  test("does not complete a newer version than the one that was seen", async () => {
    const tasks = sampleTasks();
    await save(tasks, "a");
    const { page, origin, actions } = await visit({ tasks, allowActions: true, expectsFailure: true });
    await page.goto(`${origin}/task?list=${LIST}&id=a`);
    await page.locator("#complete summary").click();
    await save(tasks, "a", { filename: "newer" });
    await page.locator("#live:text('This page has changed')").waitFor(); // and what is on it stays as it was
    const [answer] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === "POST"),
      page.locator("#complete button").click(),
    ]);
    expect(answer.status()).toBe(409);
    expect(await heading(page)).toBe("The task has changed");
    expect(await tasks.find(LIST, "a")).toMatchObject({ filename: "newer" });
    expect(actions).toMatchObject([{ result: "newer-version" }]);
  });

  test("ends a claim", async () => {
    const tasks = sampleTasks();
    const task = await save(tasks, "a");
    await tasks.claim(task, { owner: "worker-7", lease: 3_600_000 });
    const { page, origin } = await visit({ tasks, allowActions: true });
    await page.goto(`${origin}/task?list=${LIST}&id=a`);
    await page.locator("#release summary").click();
    await page.locator("#release button").click();
    await page.locator("#release").waitFor({ state: "detached" });
    expect(await tasks.claim(task, { owner: "another" })).toBeDefined();
  });

  test("has no actions unless they were allowed", async () => {
    const tasks = sampleTasks();
    await save(tasks, "a");
    const { page, origin } = await visit({ tasks });
    await page.goto(`${origin}/task?list=${LIST}&id=a`);
    expect(await heading(page)).toBe("a");
    expect(await page.locator("form, button, details").count()).toBe(0);
  });

  test("shows 1 MiB of data when it is asked to", async () => {
    const tasks = sampleTasks();
    await save(tasks, "large", { filename: "y".repeat(1024 * 1024) });
    const { page, origin } = await visit({ tasks });
    await page.goto(`${origin}/list?list=${LIST}`);
    expect((await page.content()).length).toBeLessThan(20_000);
    await page.locator("tbody a").click();
    expect((await page.content()).length).toBeLessThan(20_000);
    await page.locator("text=Show it all").click();
    expect(JSON.parse((await page.locator("pre").textContent()) ?? "").filename).toHaveLength(1024 * 1024);
  });

  test.each([`../a"<b>`, "..", "?a=b&c#d%41", "\u202egnp.exe\nnext", "漢字 😀"])(
    "a task of the id %j is listed, shown and completed",
    async (id) => {
      const tasks = sampleTasks();
      await tasks.create(FetchFileTask, { taskList: id, id, filename: "f" });
      const { page, actions } = await visit({ tasks, allowActions: true, expectsFailure: true });
      await page.locator("tbody a").click();
      await page.locator("tbody a").click();
      expect(await heading(page)).toBe(id.replace("\u202e", "\\u202e").replace("\n", "\\n".replace("n", "u000a")));
      await page.locator("#complete summary").click();
      await page.locator("#complete button").click();
      await page.locator("text=This task is not open").waitFor();
      expect(actions).toMatchObject([{ taskList: id, id, result: "done" }]);
    },
  );

  test("goes through a list of 100,000 tasks by pages", { timeout: 180_000 }, async () => {
    const tasks = sampleTasks(new SqliteAdapter({ path: join(folder, "many.db") }));
    const many = function* () {
      for (let i = 0; i < 100_000; i++) yield FetchFileTask.build({ taskList: LIST, id: `${i}`, filename: "f" });
    };
    await tasks.saveAll(many());
    const { page, origin } = await visit({ tasks });
    await page.goto(`${origin}/list?list=${LIST}`);
    expect(await page.locator("main > p").first().textContent()).toContain("10000+ open");
    expect((await rows(page)).length).toBe(50);
    await page.locator("text=Next tasks").click();
    await link(page, "50").waitFor();
    expect((await page.locator("tbody a").allInnerTexts()).at(-1)).toBe("99");
    await page.locator("text=First tasks").click();
    await link(page, "0").waitFor();
  });

  test("says when the store does not answer, and when it does again", async () => {
    const tasks = sampleTasks();
    await save(tasks, "a");
    const { page } = await visit({ tasks });
    await page.locator("#live:text('Live')").waitFor();
    const { adapter } = tasks;
    const lists = adapter.lists?.bind(adapter);
    adapter.lists = () => {
      throw new Error("down");
    };
    await page.locator("#live:text('The store does not answer')").waitFor();
    adapter.lists = lists as never;
    await page.locator("#live:text('Live')").waitFor();
  });

  test("can be read without JavaScript", async () => {
    const tasks = sampleTasks();
    await save(tasks, "a");
    const { page, actions } = await visit({
      tasks,
      allowActions: true,
      expectsFailure: true,
      javaScriptEnabled: false,
    });
    await page.locator("tbody a").click();
    await page.locator("tbody a").click();
    expect(await page.locator("pre").textContent()).toContain('"filename": "a.txt"');
    await page.locator("#complete summary").click();
    await page.locator("#complete button").click();
    await page.locator("text=This task is not open").waitFor();
    expect(actions).toMatchObject([{ result: "done" }]);
  });

  describe.each([
    ["on a wide screen", { viewport: { width: 1280, height: 800 }, colorScheme: "light" as const }],
    ["in the dark", { viewport: { width: 1280, height: 800 }, colorScheme: "dark" as const }],
    ["on 360 pixels", { viewport: { width: 360, height: 640 }, colorScheme: "light" as const }],
    ["on 360 pixels in the dark", { viewport: { width: 360, height: 640 }, colorScheme: "dark" as const }],
  ])("%s", (_, options) => {
    test("every page fits, and axe-core finds nothing wrong", async () => {
      const tasks = sampleTasks();
      await fill(tasks);
      const { page, origin } = await visit({ tasks, allowActions: true, expectsFailure: true, ...options });
      const paths = ["/", `/list?list=${LIST}`, `/list?list=none`, `/nowhere`];
      for (const id of ["claimed", "opaque", "damaged", "traced", "none", "x".repeat(512)])
        paths.push(`/task?list=${LIST}&id=${id}`);
      for (const path of paths) {
        await page.goto(`${origin}${path}`);
        const found = await violations(page);
        const width = await page.evaluate("document.documentElement.scrollWidth");
        expect({ path, found, width }).toEqual({ path, found: [], width: options.viewport.width });
      }
      const ground = await page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
      const [red] = (ground.match(/\d+/g) ?? []).map(Number);
      if (options.colorScheme === "dark") expect(red).toBeLessThan(64);
      else expect(red).toBe(255);
    });
  });
});

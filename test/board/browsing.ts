import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { type BoardAction, type BoardServer, serveBoard } from "taskledger/board";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { findChromium } from "./chromium.js";
import { type SampleTasks, sampleTasks } from "./sample.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** How often pages are read anew, in milliseconds. */
const POLL = 100;

export interface Visit extends BrowserContextOptions {
  readonly tasks?: SampleTasks;
  readonly allowActions?: boolean;
  /** The status of pages that are not found, or in conflict, is told on the console. */
  readonly expectsFailure?: boolean;
}

let browser: Browser;
let running: { readonly server: BoardServer; readonly tasks: SampleTasks; readonly page: Page }[] = [];
let complaints: string[] = [];

/** The board in a real browser. After each test, the console had no error, and nothing was blocked by a policy. */
export function setUpBrowser(): void {
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: findChromium() as string, args: ["--no-sandbox"] });
  });
  afterEach(async () => {
    for (const { server, tasks, page } of running) {
      await page.context().close();
      await server.close();
      await tasks.close();
    }
    running = [];
    const found = complaints;
    complaints = [];
    expect(found).toEqual([]);
  });
  afterAll(() => browser?.close());
}

/** Opens the board of these tasks, logged in. */
export async function visit({ tasks = sampleTasks(), allowActions, expectsFailure, ...options }: Visit = {}): Promise<{
  readonly page: Page;
  readonly origin: string;
  readonly server: BoardServer;
  readonly tasks: SampleTasks;
  readonly actions: readonly BoardAction[];
}> {
  const actions: BoardAction[] = [];
  const onAction = (action: BoardAction) => void actions.push(action);
  const server = await serveBoard({ tasks, allowActions, onAction, port: 0, poll: POLL });
  const page = await (await browser.newContext(options)).newPage();
  running.push({ server, tasks, page });
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    const isStatus = message.text().startsWith("Failed to load resource: the server responded with a status of 4");
    if (!(isStatus && expectsFailure)) complaints.push(message.text());
  });
  await page.goto(server.url);
  return { page, server, tasks, actions, origin: new URL(server.url).origin };
}

/** What axe-core finds wrong with a page; it comes through the debugger, which the page's policy does not hold up. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const result = await axe.run();
    return result.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
  });
}

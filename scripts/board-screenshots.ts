import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { DataInterface } from "taskledger";
import { serveBoard } from "taskledger/board";
import { SqliteAdapter } from "taskledger/sqlite";
import { FetchFileTask } from "../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../gen/example/v1/send_mail_task.js";
import { findChromium } from "../test/board/chromium.js";
import { seedLedger } from "../test/docs/seed.js";

// Takes the pictures of docs/board.md: npx tsx scripts/board-screenshots.ts

const pictures = [
  { name: "lists", path: "/", options: {} },
  { name: "list", path: "/list?list=acme.com", options: {} },
  { name: "task", path: "/task?list=acme.com&id=file1", options: { colorScheme: "dark" as const } },
  { name: "small", path: "/list?list=acme.com", options: { viewport: { width: 360, height: 640 } } },
];

const folder = mkdtempSync(join(tmpdir(), "taskledger-"));
const images = join(import.meta.dirname, "../docs/images");
mkdirSync(images, { recursive: true });
try {
  const path = join(folder, "ledger.db");
  await seedLedger(path);
  const tasks = new DataInterface({ types: [FetchFileTask, SendMailTask], adapter: new SqliteAdapter({ path }) });
  const server = await serveBoard({ tasks, port: 0, allowActions: true });
  const browser = await chromium.launch({ executablePath: findChromium() as string, args: ["--no-sandbox"] });
  for (const { name, path: at, options } of pictures) {
    const page = await browser.newPage({ viewport: { width: 1000, height: 560 }, ...options });
    await page.goto(server.url);
    await page.goto(new URL(at, server.url).href);
    await page.locator("#live:text('Live')").waitFor();
    await page.screenshot({ path: join(images, `board-${name}.png`) });
  }
  await browser.close();
  await server.close();
  await tasks.close();
} finally {
  rmSync(folder, { recursive: true });
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { expect, test } from "vitest";
import { bundle, repository } from "../support/bundle.js";
import { temporaryFolder } from "../support/folders.js";

const folder = temporaryFolder();

/** The script of the page, with the programs of this repository in the place of those that npm finds. */
async function script(): Promise<string> {
  const page = readFileSync(join(repository, "docs/cli.md"), "utf8");
  const [, text = ""] = /^## A first session\n.*?```sh\n(.*?)```/ms.exec(page) ?? [];
  const node = `'${process.execPath}'`;
  const started = text
    .replaceAll("npx taskledger", `${node} '${await bundle("src/cli/main.ts")}'`)
    .replace("npm start --", `${node} --import tsx examples/fetch-files/main.ts`)
    .replace("./first-session.db", join(folder, "ledger.db"))
    // It ends when it is interrupted; here that is once it has said where it is.
    .replace(/^(.* board)$/m, "($1 --port 0 & board=$!; sleep 3; kill $board; wait $board)");
  expect(started).toContain("--port 0");
  return started;
}

test("a new user's first session runs as it is written", { timeout: 180_000 }, async () => {
  const child = spawn("bash", ["-u", "-c", await script()], { cwd: repository, detached: true });
  const [out, err] = [buffer(child.stdout), buffer(child.stderr)];
  const [code] = await once(child, "close");
  const printed = String(await out);
  expect({ code, printed, err: String(await err) }).toMatchObject({ code: 0 });
  const [, list = ""] = /^LIST +OPEN .*\n(fetch-files \S+) +[1-9]\d*\+? /m.exec(printed) ?? [];
  expect(list).not.toBe("");
  const [, first = ""] = /^ID +TYPE .*\n(.+?) +example\.v1\.FetchFile +\d+\w+ +\d/m.exec(printed) ?? [];
  expect(printed).toContain(`\nID        ${first}\n`);
  expect(printed).toMatch(new RegExp(`^completed +${list}/`, "m"));
  expect(printed).toMatch(/^Read-only\. Open http:\/\/127\.0\.0\.1:\d+\/\?token=/m);
});

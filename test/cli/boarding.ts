import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { ask } from "../board/http.js";
import { temporaryFolder } from "../support/folders.js";
import { run, start } from "./process.js";
import { newList, type TestStore } from "./stores.js";

/** board, on a store. */
export function describeBoarding(store: () => TestStore): void {
  const folder = temporaryFolder();

  /** Starts the board, and gives the address that it prints. */
  async function startBoard(...args: string[]) {
    const child = await start(["board", "--port", "0", ...args], { env: store().env });
    const log = text(child.stderr as never);
    const [line] = (await once(createInterface({ input: child.stdout as never }), "line")) as [string];
    const url = new URL(line.replace(/^.*Open /, ""));
    const token = url.searchParams.get("token") ?? "";
    return {
      ...{ line, origin: url.origin, headers: { Authorization: `Bearer ${token}`, Origin: url.origin }, token },
      async end() {
        child.kill("SIGINT");
        await once(child, "close");
        return { code: child.exitCode, log: await log };
      },
    };
  }

  describe("board", () => {
    test("only reads, until it is interrupted, which is how it ends", async () => {
      const list = newList();
      const { envelope } = await store().tasks.create(FetchFileTask, { taskList: list, id: "a" });
      const key = new URLSearchParams({ list, id: "a" });
      const { line, origin, headers, token, end } = await startBoard();
      expect(line).toMatch(/^Read-only\. Open http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{32}$/);
      expect(await ask(`${origin}/task?${key}`, { headers })).toMatchObject({ status: 200 });
      expect(await ask(`${origin}/`)).toMatchObject({ status: 401 });
      const body = `version=${envelope.savedAt}`;
      const form = { ...headers, "Content-Type": "application/x-www-form-urlencoded" };
      expect(await ask(`${origin}/complete?${key}`, { method: "POST", headers: form, body })).toMatchObject({
        status: 404,
      });
      expect(await end()).toEqual({ code: 0, log: "" });
      expect(await store().tasks.find(list, "a")).toBeDefined();
      const other = await startBoard();
      expect(other.token).not.toBe(token);
      await other.end();
    });

    test("--allow-actions prints each action; its token may come from a file", async () => {
      const [list, id] = [newList(), "\u001b[2Jb"];
      const { envelope } = await store().tasks.create(FetchFileTask, { taskList: list, id });
      writeFileSync(join(folder, "token"), "a token of some length\n");
      const { origin, token, headers, end } = await startBoard(
        "--allow-actions",
        "--token-file",
        join(folder, "token"),
      );
      expect(token).toBe("a token of some length");
      const form = { ...headers, "Content-Type": "application/x-www-form-urlencoded" };
      const url = `${origin}/complete?${new URLSearchParams({ list, id })}`;
      for (const [body, status] of [
        ["version=17", 409],
        [`version=${envelope.savedAt}`, 303],
      ] as const)
        expect(await ask(url, { method: "POST", headers: form, body })).toMatchObject({ status });
      const { code, log } = await end();
      expect(code).toBe(0);
      const line = (version: unknown, result: string) =>
        `20\\S+Z complete ${list}/\\\\u001b\\[2Jb version ${version} by 127.0.0.1: ${result}\n`;
      expect(log).toMatch(new RegExp(`^${line(17, "newer-version")}${line(envelope.savedAt, "done")}$`));
      expect(await store().tasks.find(list, id)).toBeUndefined();
    });

    test("is not served to other hosts without a token and names, nor at a port that is taken", async () => {
      const open = await run(["board", "--host", "0.0.0.0", "--port", "0"], { env: store().env });
      expect(open).toMatchObject({
        code: 2,
        err: expect.stringMatching(/^error\[INVALID_ARGUMENT\]: 0.0.0.0 can be reached/),
      });
      const { origin, end } = await startBoard();
      const taken = await run(["board", "--port", new URL(origin).port], { env: store().env });
      expect(taken).toMatchObject({ code: 1, err: expect.stringContaining("error[EADDRINUSE]") });
      expect(taken.err).toContain("Give another --port");
      await end();
      expect((await run(["board", "--port", "66000"], { env: store().env })).code).toBe(2);
    });
  });
}

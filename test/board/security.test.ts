import { type BoardAction, type BoardServer, createBoard, type ServeBoardOptions, serveBoard } from "taskledger/board";
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { ask } from "./http.js";
import { type SampleTasks, sampleTasks } from "./sample.js";

const token = "a-token-that-is-long-enough";
const bearer = { Authorization: `Bearer ${token}` };
let tasks: SampleTasks;
let server: BoardServer;
let actions: BoardAction[];
let origin: string;
let version: string;

async function serve(options: Partial<ServeBoardOptions> = {}): Promise<void> {
  await server?.close();
  actions = [];
  server = await serveBoard({ tasks, token, port: 0, onAction: (action) => actions.push(action), ...options });
  origin = new URL(server.url).origin;
}

beforeEach(async () => {
  tasks = sampleTasks();
  version = String((await tasks.create(FetchFileTask, { taskList: "l", id: "a" })).envelope.savedAt);
  await serve({ allowActions: true });
});
afterEach(() => server.close());

const isOpen = async () => (await tasks.find("l", "a")) !== undefined;
const post = (path: string, headers: Record<string, string>, own = version) =>
  ask(`${origin}${path}`, {
    ...{ method: "POST", body: `version=${own}` },
    headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
  });
const routes = ["/", "/list?list=l", "/task?list=l&id=a", "/api/lists", "/api/list?list=l", "/api/task?list=l&id=a"];

describe("who may look", () => {
  test.each([...routes, "/bytes?list=l&id=a", "/events?view=lists", "/board.js", "/nowhere"])(
    "%s is a 401 without the token, and with a wrong one",
    async (path) => {
      const cookie = `taskledger_${new URL(origin).port}`;
      for (const headers of [
        {},
        { Authorization: "Bearer another-token-of-some-length" },
        { Authorization: `Basic ${token}` },
        { Cookie: `${cookie}=wrong` },
        { Cookie: `other=${token}` },
      ]) {
        expect((await ask(`${origin}${path}`, { headers })).status).toBe(401);
      }
    },
  );

  test("the address with the token gives a cookie, and leads to the one without", async () => {
    const { status, headers } = await ask(`${origin}/list?list=l&token=${token}`);
    expect(status).toBe(303);
    expect(headers.location).toBe("/list?list=l");
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expect(cookie).toMatch(/^taskledger_\d+=[^;]+; Path=\/; HttpOnly; SameSite=Strict$/);
    expect((await ask(`${origin}/`, { headers: { Cookie: cookie.split(";")[0] as string } })).status).toBe(200);
    expect((await ask(`${origin}/?token=wrong`)).status).toBe(401);
    expect((await ask(`${origin}/?token=${token}`, { method: "POST" })).status).toBe(401);
  });

  test.each(routes)("%s is there for a bearer of the token", async (path) => {
    expect((await ask(`${origin}${path}`, { headers: bearer })).status).toBe(200);
  });

  test("whether it runs is told to everybody, and nothing else", async () => {
    expect(await ask(`${origin}/healthz`)).toMatchObject({ status: 200, body: "ok\n" });
  });
});

describe("what it is called by", () => {
  test.each(["evil.example", "127.0.0.1.evil.example", "10.0.0.1"])("%s is a 421, with the token too", async (host) => {
    const port = new URL(origin).port;
    for (const name of [host, `${host}:${port}`])
      expect((await ask(`${origin}/?token=${token}`, { headers: { ...bearer, Host: name } })).status).toBe(421);
  });

  test("names that were allowed are taken, with the port or without", async () => {
    await serve({ allowHosts: ["board.acme.example"] });
    for (const host of ["board.acme.example", "BOARD.acme.example", `localhost:${new URL(origin).port}`])
      expect((await ask(`${origin}/`, { headers: { ...bearer, Host: host } })).status).toBe(200);
  });

  test("a board that other hosts can reach needs a token of its own and names", async () => {
    for (const options of [
      { hostname: "0.0.0.0" },
      { hostname: "0.0.0.0", token },
      { hostname: "::", allowHosts: ["a"] },
      { token: "short" },
    ])
      await expect(serveBoard({ tasks, port: 0, ...options })).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("who may act", () => {
  test.each([
    ["without an origin", {}],
    ["from another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }],
    ["from another port", { Origin: "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site" }],
    ["from a page that has no origin", { Origin: "null" }],
    ["that the browser says is of another site", { Origin: "self", "Sec-Fetch-Site": "cross-site" }],
  ])("a POST %s is a 403", async (_, headers) => {
    const { Origin } = headers as { Origin?: string };
    const sent = { ...bearer, ...headers, ...(Origin === "self" && { Origin: origin }) };
    for (const path of ["/complete?list=l&id=a", "/release?list=l&id=a"])
      expect((await post(path, sent)).status).toBe(403);
    expect(await isOpen()).toBe(true);
  });

  test("a POST of the board itself completes the task, and is noted", async () => {
    const own = { ...bearer, Origin: origin, "Sec-Fetch-Site": "same-origin" };
    expect((await post("/complete?list=l&id=a", own, "17")).status).toBe(409);
    expect(await isOpen()).toBe(true);
    expect((await post("/complete?list=l&id=a", own)).status).toBe(303);
    expect(await isOpen()).toBe(false);
    expect((await post("/complete?list=l&id=a", own)).status).toBe(404);
    expect((await post("/complete?list=l&id=a", { Origin: origin })).status).toBe(401);
    expect((await post("/complete?list=l", own)).status).toBe(400);
    expect((await post("/complete?list=l&id=a", own, "x")).status).toBe(400);
    expect(actions.map(({ action, taskList, id, result, who }) => [action, taskList, id, result, who])).toEqual([
      ["complete", "l", "a", "newer-version", "127.0.0.1"],
      ["complete", "l", "a", "done", "127.0.0.1"],
      ["complete", "l", "a", "not-open", "127.0.0.1"],
    ]);
  });

  test("a claim is ended, and that is noted, too", async () => {
    const own = { ...bearer, Origin: origin };
    expect((await post("/release?list=l&id=a", own)).status).toBe(409);
    const task = (await tasks.find("l", "a")) as FetchFileTask;
    await tasks.claim(task, { owner: "worker-7", lease: 60_000 });
    expect((await post("/release?list=l&id=a", own)).status).toBe(303);
    await vi.waitFor(async () => expect(await tasks.claim(task, { owner: "another" })).toBeDefined());
    expect(actions.map(({ action, result }) => [action, result])).toEqual([
      ["release", "not-claimed"],
      ["release", "done"],
    ]);
  });

  test("an action whose outcome is not known says so, and is noted as failed", async () => {
    const { adapter } = tasks;
    const error = Object.assign(new Error("no answer"), { name: "TaskError", code: "TIMEOUT", outcome: "unknown" });
    adapter.complete = async (entries) => entries.map(() => ({ ok: false, error: error as never }));
    const { status, body } = await post("/complete?list=l&id=a", { ...bearer, Origin: origin });
    expect(status).toBe(503);
    expect(body).toContain("It is not known whether it was done");
    expect(actions).toMatchObject([{ result: "failed" }]);
  });

  test("without actions the routes are not there, and no page has a form", async () => {
    await serve();
    const own = { ...bearer, Origin: origin, "Sec-Fetch-Site": "same-origin" };
    for (const path of ["/complete?list=l&id=a", "/release?list=l&id=a"])
      expect((await post(path, own)).status).toBe(404);
    expect(await isOpen()).toBe(true);
    expect(actions).toEqual([]);
    for (const path of routes) expect((await ask(`${origin}${path}`, { headers: bearer })).body).not.toContain("<form");
  });
});

test.each([...routes, "/nowhere", "/task?list=l&id=none", "/list", "/board.js", "/board.css", "/icon.svg", "/healthz"])(
  "the answer to %s is kept nowhere, framed nowhere, and loads nothing from elsewhere",
  async (path) => {
    const { headers } = await ask(`${origin}${path}`, { headers: bearer });
    expect(headers).toMatchObject({
      "content-security-policy": expect.stringMatching(
        /^default-src 'none'; script-src 'self'; style-src 'self'; .*connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
      ),
      ...{ "cache-control": "no-store", "referrer-policy": "same-origin", "x-content-type-options": "nosniff" },
    });
  },
);

test("a store that fails is a page that says so; its secrets stay in the log", async () => {
  tasks.adapter.find = () =>
    Promise.reject(Object.assign(new Error("no node answers"), { name: "TaskError", code: "UNAVAILABLE" }));
  const { status, body } = await ask(`${origin}/task?list=l&id=a`, { headers: bearer });
  expect(status).toBe(503);
  expect(body).toContain("UNAVAILABLE: no node answers");
  expect(await ask(`${origin}/task?list=${"x".repeat(513)}&id=a`, { headers: bearer })).toMatchObject({ status: 400 });
});

test.each([
  ["allowAction", { allowAction: true }],
  ["allowActions", { allowActions: "false" }],
  ["allowHosts", { allowHosts: "ledger.example" }],
  ["hostname", { hostname: null }],
  ["token", { token: 1234567890123456 }],
])("a server is not started with a wrong %s", async (field, options) => {
  const serving = serveBoard({ tasks, port: 0, ...options } as never);
  await expect(serving).rejects.toMatchObject({ code: "INVALID_ARGUMENT", field });
});

describe("a board that is mounted", () => {
  const request = (path: string, init?: RequestInit) => new Request(`http://app.example${path}`, init);

  test("does what each request may, and its links begin with its path", async () => {
    const levels: Record<string, "none" | "read" | "act"> = { "": "none", reader: "read", admin: "act" };
    const board = createBoard({
      tasks,
      path: "/ledger",
      access: ({ headers }) => ({
        level: levels[headers.get("X-User") ?? ""] ?? "none",
        who: headers.get("X-User") ?? "",
      }),
      onAction: (action) => actions.push(action),
    });
    expect((await board.fetch(request("/ledger/"))).status).toBe(403);
    for (const path of ["/ledger", "/ledger/", "/"]) {
      const page = await board.fetch(request(path, { headers: { "X-User": "reader" } }));
      expect(page.status).toBe(200);
      expect(await page.text()).toContain(`href="/ledger/list?list=l"`);
    }
    const complete = (user: string) =>
      board.fetch(
        request("/ledger/complete?list=l&id=a", {
          method: "POST",
          body: new URLSearchParams({ version }),
          headers: { "X-User": user, Origin: "http://app.example" },
        }),
      );
    expect((await complete("reader")).status).toBe(404);
    expect(await isOpen()).toBe(true);
    expect((await complete("admin")).status).toBe(303);
    expect(await isOpen()).toBe(false);
    expect(actions).toMatchObject([{ action: "complete", who: "admin", result: "done" }]);
    board.close();
  });

  test("answers with a failure where onAction rejects, and reports an action once", async () => {
    const reported: string[] = [];
    const failures = vi.spyOn(console, "error").mockImplementation(() => undefined);
    onTestFinished(() => failures.mockRestore());
    const onAction = async ({ result }: BoardAction) => {
      reported.push(result);
      throw new Error("the log is full");
    };
    const board = createBoard({ tasks, access: () => "act", onAction });
    const init = { method: "POST", body: new URLSearchParams({ version }), headers: { Origin: "http://app.example" } };
    expect((await board.fetch(request("/complete?list=l&id=a", init))).status).toBe(500);
    expect([reported, await isOpen(), failures.mock.calls.length]).toEqual([["done"], false, 1]);
    board.close();
  });

  test.each([
    ["acess", { acess: () => "none" }],
    ["access", { access: "none" }],
    ["tasks", { tasks: undefined }],
    ["path", { path: 1 }],
    ["onAction", { onAction: {} }],
    ["poll", { poll: Number.NaN }],
    ["options", undefined],
  ])("is refused with a wrong %s, so that a slip lets nobody in", (field, options) => {
    const given = options && { tasks, ...options };
    expect(() => createBoard(given as never)).toThrowError(
      expect.objectContaining({ code: "INVALID_ARGUMENT", field }),
    );
  });

  test("only reads unless it is told otherwise", async () => {
    const board = createBoard({ tasks });
    const init = { method: "POST", body: new URLSearchParams({ version }), headers: { Origin: "http://app.example" } };
    expect((await board.fetch(request("/complete?list=l&id=a", init))).status).toBe(404);
    board.close();
  });
});

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FetchFileSchema } from "../../gen/example/v1/fetch_file_pb.js";
import { TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import type { Adapter } from "../../src/adapter/adapter.js";
import { CassandraAdapter } from "../../src/adapters/cassandra/index.js";
import { SqliteAdapter } from "../../src/adapters/sqlite/index.js";
import { DataInterface } from "../../src/index.js";
import { rawClient, replication } from "../cassandra-adapter/connection.js";
import { matches, readSteps, type Step } from "../package/readme.js";
import { cassandra } from "../support/cassandra/coordinates.js";
import { cache, goProxy, type Language, wheels } from "./languages.js";
import { prepareLanguages, runToEnd } from "./prepare.js";

// The quick start of each language's README, step by step as it is written, in an empty folder: the package is installed
// from its file by the language's own command.

const prepared = await prepareLanguages();
const client = rawClient();
const keyspace = "taskledger";

/** On machines without protoc, the one of grpcio-tools, which the development of the Python package needs anyway. */
const otherProtoc = join(cache, "protoc");

beforeAll(async () => {
  await CassandraAdapter.createSchema({ client, keyspace, replication });
  await mkdir(otherProtoc, { recursive: true });
  const script = `#!/bin/sh\nexec "${join(cache, "python/bin/python")}" -m grpc_tools.protoc "$@"\n`;
  await writeFile(join(otherProtoc, "protoc"), script, { mode: 0o755 });
});
afterAll(() => client.shutdown());

/** Where each language's command finds the package, which is nowhere else yet. */
function environment(project: string): Record<string, string> {
  const [contactPoint = ""] = cassandra.contactPoints;
  return {
    CASSANDRA: contactPoint,
    PATH: [join(project, ".venv/bin"), process.env.PATH, otherProtoc].join(delimiter),
    PIP_FIND_LINKS: `${wheels} ${process.env.PIP_FIND_LINKS ?? ""}`,
    GOMODCACHE: join(cache, "gomod"),
    GODEBUG: "goindex=0", // its index of a module outlives the module, and names files that are no more
    GOFLAGS: "-modcacherw",
    GONOSUMDB: "github.com/taskledger/*",
  };
}

async function goProxies(): Promise<string> {
  const own = { command: "go", args: ["env", "GOMODCACHE", "GOPROXY"], cwd: cache };
  const [downloads = "", usual = ""] = (await runToEnd(own)).trim().split("\n");
  return [`file://${goProxy}`, `file://${join(downloads, "cache/download")}`, usual].join();
}

/** Two tasks of acme.v1.FetchFile; the first is handed over. */
async function saveTasks(adapter: Adapter): Promise<Uint8Array> {
  await using tasks = new DataInterface({ types: [], adapter });
  const saved = [];
  for (const filename of ["file1.txt", "file2.txt"]) {
    const value = toBinary(FetchFileSchema, create(FetchFileSchema, { externalHost: "acme.com", filename }));
    const data = { typeUrl: "type.googleapis.com/acme.v1.FetchFile", value };
    const envelope = create(TaskEnvelopeSchema, { taskList: "acme.com", id: filename, data });
    saved.push(await tasks.save(tasks.fromBinary(toBinary(TaskEnvelopeSchema, envelope))));
  }
  return new BinaryWriter().bytes(saved[0]?.toBinary() as Uint8Array).finish();
}

const stepsOf = async ({ folder }: Language) => {
  const text = (await readFile(join(folder, "README.md"), "utf8")).replace(/^<!-- (\S+) -->$/gm, "// $1");
  return readSteps(text, "Quick start") ?? [];
};

async function take(step: Step, project: string, env: Record<string, string>): Promise<void> {
  if (step.kind === "file") {
    await mkdir(dirname(join(project, step.path)), { recursive: true });
    // The line that names an XML file would stand before its root.
    const text = step.path.endsWith(".xml") ? step.text.replace(/^.*\n/, "") : step.text;
    return writeFile(join(project, step.path), text);
  }
  const output = await runToEnd({ command: "sh", args: ["-ec", step.commands], cwd: project, env });
  if (step.expected !== undefined && !matches(output, step.expected)) expect(output).toBe(step.expected);
}

describe.each(prepared)("the quick start in $language.name", ({ language, missing }) => {
  if (missing !== undefined) return test.skip(`left out: ${missing}`);

  test("works as it is written, in an empty folder", { timeout: 400_000 }, async () => {
    const project = await mkdtemp(join(tmpdir(), "taskledger-quick-start-"));
    const env = { ...environment(project), ...(language.name === "Go" && { GOPROXY: await goProxies() }) };
    await rm(join(cache, "gomod"), { recursive: true, force: true });
    const adapter = language.hasSqlite
      ? new SqliteAdapter({ path: join(project, "ledger.db") })
      : new CassandraAdapter({ client, keyspace });
    await writeFile(join(project, "tasks.bin"), await saveTasks(adapter));
    const steps = await stepsOf(language);
    expect(steps.filter(({ kind }) => kind === "run").length).toBeGreaterThan(0);
    for (const step of steps) await take(step, project, env);
    await rm(project, { recursive: true });
  });
});

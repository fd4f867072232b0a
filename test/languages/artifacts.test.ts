import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { goModule, jars, repository, wheels } from "./languages.js";
import { prepareLanguages, runToEnd } from "./prepare.js";
import { zipMembers } from "./zip-members.js";

// What is in the files that users install: all that they need, and nothing of this repository's examples and tests.

const prepared = await prepareLanguages();
const version = "0.1.0";
const missingOf = (name: string) => prepared.find(({ language }) => language.name === name)?.missing;

const ownProtos = (await readdir(join(repository, "proto/taskledger/v1")))
  .map((name) => `taskledger/v1/${name}`)
  .sort();

const wheel = join(wheels, `taskledger_worker-${version}-py3-none-any.whl`);
const sdist = join(wheels, `taskledger_worker-${version}.tar.gz`);

describe.skipIf(missingOf("Python") !== undefined)("the Python package", () => {
  test("is a wheel with its types, .proto files and licence, and no examples", async () => {
    const members = await zipMembers(wheel);
    expect(
      members.filter((name) => !/^taskledger(_worker)?\/|^taskledger_worker-[\d.]+\.dist-info\//.test(name)),
    ).toEqual([]);
    expect(members.filter((name) => name.endsWith(".proto")).sort()).toEqual(ownProtos);
    expect(members).toEqual(expect.arrayContaining(["taskledger/py.typed", "taskledger_worker/py.typed"]));
    expect(members).toContain(`taskledger_worker-${version}.dist-info/licenses/LICENSE`);
    expect(members.filter((name) => /example|test|build\//.test(name))).toEqual([]);
  });

  test("is an sdist that installs the same files", { timeout: 300_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "taskledger-sdist-"));
    const run = (script: string) => runToEnd({ command: "sh", args: ["-ec", script], cwd: folder });
    // Without the cache, which has what was built of an earlier sdist of this name.
    const install = "venv/bin/pip install --quiet --disable-pip-version-check --no-cache-dir";
    await run(`python3 -m venv venv && ${install} "${sdist}"`);
    const where = `import taskledger_worker, pathlib; print(pathlib.Path(taskledger_worker.__file__).parents[1])`;
    const site = (await run(`venv/bin/python -c "${where}"`)).trim();
    const installed: string[] = [];
    for (const name of ["taskledger", "taskledger_worker"]) installed.push(...(await filesIn(site, name)));
    const members = (await zipMembers(wheel)).filter((name) => !name.includes(".dist-info/"));
    expect(installed.filter((name) => !name.includes("__pycache__")).sort()).toEqual(members.sort());
    await rm(folder, { recursive: true });
  });
});

describe.skipIf(missingOf("Go") !== undefined)("the Go module", () => {
  test("has its packages, .proto files and licence, and nothing that was built", async () => {
    const prefix = `github.com/taskledger/taskledger/languages/go@v${version}/`;
    const members = (await zipMembers(join(goModule, `v${version}.zip`))).map((name) => {
      expect(name.startsWith(prefix), name).toBe(true);
      return name.slice(prefix.length);
    });
    expect(members).toEqual(expect.arrayContaining(["go.mod", "go.sum", "LICENSE", "README.md", "CHANGELOG.md"]));
    expect(members).toEqual(expect.arrayContaining(["worker.go", "cassandra/store.go", "taskledgerv1/envelope.pb.go"]));
    expect(members.filter((name) => name.endsWith(".proto")).sort()).toEqual(ownProtos.map((name) => `proto/${name}`));
    expect(members.filter((name) => !/\.(go|proto|md|mod|sum|yaml)$|^LICENSE$/.test(name))).toEqual([]);
  });
});

describe.skipIf(missingOf("Java") !== undefined)("the Java artifacts", () => {
  const jar = (suffix: string) => zipMembers(join(jars, `taskledger-worker-${version}${suffix}.jar`));
  const filesOf = async (suffix: string) => (await jar(suffix)).filter((name) => !name.endsWith("/"));

  test("are a jar with its .proto files and licence, and no examples", async () => {
    const members = await filesOf("");
    expect(members.filter((name) => name.endsWith(".proto")).sort()).toEqual(ownProtos);
    expect(members.filter((name) => !/^(META-INF|io\/github\/taskledger|taskledger\/v1)\//.test(name))).toEqual([]);
    expect(members).toEqual(expect.arrayContaining(["META-INF/LICENSE", "io/github/taskledger/worker/Worker.class"]));
  });

  test("are its sources and its documentation", async () => {
    const [sources, javadoc] = [await filesOf("-sources"), await filesOf("-javadoc")];
    expect(sources).toContain("io/github/taskledger/worker/Worker.java");
    expect(javadoc).toContain("io.github.taskledger.worker/io/github/taskledger/worker/Worker.html");
    for (const members of [sources, javadoc]) expect(members.filter((name) => name.includes("example"))).toEqual([]);
  });

  test("have what Maven Central asks for in their pom", async () => {
    const pom = await readFile(join(repository, "languages/java/pom.xml"), "utf8");
    const own = pom.slice(0, pom.indexOf("<properties>"));
    for (const name of [
      "groupId",
      "artifactId",
      "version",
      "name",
      "description",
      "url",
      "licenses",
      "developers",
      "scm",
    ])
      expect(own, name).toMatch(new RegExp(`^  <${name}>`, "m"));
  });
});

describe("the packages' READMEs", () => {
  test.each(prepared)("have no links that work in this repository alone, in $language.name", async ({ language }) => {
    const text = await readFile(join(language.folder, "README.md"), "utf8");
    const links = [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, link]) => link as string);
    expect(links.length).toBeGreaterThan(2);
    const base = "https://github.com/taskledger/taskledger/blob/main/";
    for (const link of links) {
      expect(link).toMatch(/^https:/);
      if (link.startsWith(base)) await readFile(join(repository, link.slice(base.length).replace(/#.*/, "")));
    }
  });
});

async function filesIn(folder: string, name: string): Promise<string[]> {
  const entries = await readdir(join(folder, name), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const repository: string = resolve(import.meta.dirname, "../..");

export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A language that has a worker library, and how its tools build and run it. */
export interface Language {
  readonly name: "Python" | "Go" | "Java";
  /** Its folder. */
  readonly folder: string;
  /** What must be on the PATH: a command that prints its version, and the first that will do. */
  readonly needs: readonly { readonly command: string; readonly args: readonly string[]; readonly version: string }[];
  /** Fetches what is missing, builds the package, and the driver with it; each in turn. */
  readonly build: readonly Command[];
  /** Its linters and type checks, by their names. */
  readonly checks: Readonly<Record<string, Command>>;
  /** Its own tests. */
  readonly test: Command;
  /** One of them, which must be there, by its name. */
  readonly oneTest: (name: string) => Command;
  /** Writes its committed generated code into a folder, if it has some. */
  readonly generate?: ((folder: string) => Command) | undefined;
  /** Its driver: the program that tests here talk to. */
  readonly driver: Command;
  /** Whether its driver opens SQLite files. */
  readonly hasSqlite: boolean;
}

export const cache: string = join(repository, ".cache/languages");

const buf = join(repository, "node_modules/.bin/buf");

const folderOf = (name: string) => join(repository, "languages", name);

/** Where `pip install` finds the wheel, and `go get` the module. */
export const wheels: string = join(cache, "wheels");
export const goProxy: string = join(cache, "goproxy");
export const goModule: string = join(goProxy, "github.com/taskledger/taskledger/languages/go/@v");

/** Where Maven puts the jars. */
export const jars: string = join(folderOf("java"), "target");

function python(): Language {
  const cwd = folderOf("python");
  const venv = join(cache, "python");
  const bin = join(venv, "bin");
  const env = { PATH: `${bin}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: "1" };
  const project = readFileSync(join(cwd, "pyproject.toml"), "utf8");
  // What its development needs; the wheel names what it needs itself.
  const [, dev = ""] = /^dev = \[(.*)\]$/m.exec(project) ?? [];
  const pip = [join(bin, "pip"), "install", "--quiet", "--disable-pip-version-check"] as const;
  const own = (command: string, ...args: string[]): Command => ({ command: join(bin, command), args, cwd, env });
  const shell = (script: string): Command => ({ command: "sh", args: ["-ec", script], cwd, env });
  return {
    name: "Python",
    folder: cwd,
    needs: [{ command: "python3", args: ["--version"], version: "3.10" }],
    build: [
      { command: "python3", args: ["-m", "venv", venv], cwd },
      { command: pip[0], args: [...pip.slice(1), ...JSON.parse(`[${dev}]`)], cwd },
      shell(`rm -rf "${wheels}" build src/*.egg-info`),
      own("python", "-m", "build", "--no-isolation", "--outdir", wheels),
      shell(`${pip.join(" ")} --force-reinstall --no-deps "${wheels}"/*.whl`),
      shell(`${pip.join(" ")} --find-links "${wheels}" "taskledger-worker[cassandra]"`),
      { command: buf, args: ["generate", "--template", "buf.gen.tests.yaml"], cwd, env },
    ],
    checks: {
      "ruff check": own("ruff", "check", "--no-cache", "."),
      "ruff format": own("ruff", "format", "--no-cache", "--check", "src/taskledger_worker", "tests"),
      "mypy --strict": own("mypy", "--cache-dir", join(cache, "mypy")),
    },
    test: own("pytest"),
    oneTest: (name) => own("pytest", "tests/test_worker.py", "-k", name),
    generate: (folder) => ({ command: buf, args: ["generate", "-o", folder], cwd, env }),
    driver: own("python", "tests/driver.py"),
    hasSqlite: true,
  };
}

function go(): Language {
  const cwd = folderOf("go");
  const driver = join(cache, "go/driver");
  const own = (...args: string[]): Command => ({ command: "go", args, cwd });
  return {
    name: "Go",
    folder: cwd,
    needs: [{ command: "go", args: ["version"], version: "1.24" }],
    build: [
      own("build", "./..."),
      own("test", "-c", "-o", driver, "./cassandra"),
      own("run", "./internal/pack", "v0.1.0", goProxy),
    ],
    checks: {
      gofmt: { command: "sh", args: ["-c", 'found=$(gofmt -l .); echo "$found"; [ -z "$found" ]'], cwd },
      "go vet": own("vet", "./..."),
      staticcheck: own("run", "honnef.co/go/tools/cmd/staticcheck@v0.7.0", "./..."),
    },
    // Go would tell an earlier result: it does not see that the vectors, which are outside of the module, have changed.
    test: own("test", "-count=1", "-race", "./..."),
    oneTest: (name) => own("test", "-race", "-v", "-run", `^${name}$`, "."),
    generate: (folder) => ({ command: buf, args: ["generate", "-o", folder], cwd }),
    driver: { command: driver, args: [], cwd, env: { TASKLEDGER_DRIVER: "1" } },
    hasSqlite: false,
  };
}

function java(): Language {
  const cwd = folderOf("java");
  const jar = join(jars, "taskledger-worker-0.1.0.jar");
  const classpath = [jar, join(cwd, "target/test-classes"), join(cwd, "target/dependency/*")];
  const maven = (...args: string[]): Command => ({ command: "mvn", args: ["-B", "-ntp", ...args], cwd });
  return {
    name: "Java",
    folder: cwd,
    needs: [
      { command: "java", args: ["-version"], version: "17" },
      { command: "javac", args: ["-version"], version: "17" },
      { command: "mvn", args: ["-v"], version: "3.6" },
    ],
    // javac -Xlint:all -Xdoclint:all -Werror, and javadoc, are part of it.
    build: [
      // What an earlier build left would get into the jar.
      maven("-q", "clean", "package", "-DskipTests", "dependency:copy-dependencies"),
      maven("-q", "install:install-file", `-Dfile=${jar}`, "-DpomFile=pom.xml"),
    ],
    checks: {},
    test: maven("surefire:test"),
    oneTest: (name) => maven("surefire:test", `-Dtest=WorkerTest#${name}`),
    driver: {
      command: "java",
      args: [
        "-XX:TieredStopAtLevel=1",
        "-Xmx128m",
        "-cp",
        classpath.join(":"),
        "io.github.taskledger.worker.cassandra.Driver",
      ],
      cwd,
    },
    hasSqlite: false,
  };
}

export const languages: readonly Language[] = [python(), go(), java()];

/** Why a language is left out here; undefined where its tools are there. */
export async function missingTools({ needs }: Pick<Language, "needs">): Promise<string | undefined> {
  const problems = await Promise.all(needs.map(problemOf));
  return problems.filter((problem) => problem !== undefined).join("; ") || undefined;
}

async function problemOf({ command, args, version }: Language["needs"][number]): Promise<string | undefined> {
  try {
    const { stdout, stderr } = await run(command, [...args]);
    const [found = "0"] = /\d+(\.\d+)+/.exec(stdout + stderr) ?? [];
    return isAtLeast(found, version) ? undefined : `${command} is ${found}, and ${version} is needed`;
  } catch {
    return `there is no ${command}`;
  }
}

function isAtLeast(found: string, least: string): boolean {
  return found.localeCompare(least, "en", { numeric: true }) >= 0;
}

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
  readonly name: string;
  /** Its folder. */
  readonly folder: string;
  /** What must be on the PATH: a command that prints its version, and the first that will do. */
  readonly needs: readonly { readonly command: string; readonly args: readonly string[]; readonly version: string }[];
  /** Fetches what is missing, generates code, and builds; each in turn. */
  readonly build: readonly Command[];
  /** Its own tests. */
  readonly test: Command;
  /** Its driver: the program that tests here talk to. */
  readonly driver: Command;
}

const folderOf = (name: string) => join(repository, "languages", name);
const cacheOf = (name: string) => join(repository, ".cache/languages", name);
const buf = join(repository, "node_modules/.bin/buf");

function python(): Language {
  const cwd = folderOf("python");
  const bin = join(cacheOf("python"), "bin");
  const env = { PATH: `${bin}:${process.env.PATH}`, PYTHONDONTWRITEBYTECODE: "1" };
  // What the library needs and what its development does; the library itself is used from its folder.
  const project = readFileSync(join(cwd, "pyproject.toml"), "utf8");
  const packages = [...project.matchAll(/^(?:dependencies|dev) = \[(.*)\]$/gm)].flatMap(([, list = ""]) =>
    JSON.parse(`[${list}]`),
  );
  return {
    name: "Python",
    folder: cwd,
    needs: [{ command: "python3", args: ["--version"], version: "3.10" }],
    build: [
      { command: "python3", args: ["-m", "venv", cacheOf("python")], cwd },
      { command: join(bin, "pip"), args: ["install", "--quiet", "--disable-pip-version-check", ...packages], cwd },
      { command: buf, args: ["generate"], cwd, env },
    ],
    test: { command: join(bin, "pytest"), args: [], cwd, env },
    driver: { command: join(bin, "python"), args: ["tests/driver.py"], cwd, env },
  };
}

function go(): Language {
  const cwd = folderOf("go");
  const driver = join(cacheOf("go"), "driver");
  return {
    name: "Go",
    folder: cwd,
    needs: [{ command: "go", args: ["version"], version: "1.24" }],
    build: [
      { command: buf, args: ["generate"], cwd },
      { command: "go", args: ["build", "-o", driver, "./internal/driver"], cwd },
    ],
    test: { command: "go", args: ["test", "./..."], cwd },
    driver: { command: driver, args: [], cwd },
  };
}

function java(): Language {
  const cwd = folderOf("java");
  const classpath = [join(cwd, "target/classes"), join(cwd, "target/test-classes"), join(cwd, "target/dependency/*")];
  return {
    name: "Java",
    folder: cwd,
    needs: [
      { command: "java", args: ["-version"], version: "17" },
      { command: "javac", args: ["-version"], version: "17" },
      { command: "mvn", args: ["-v"], version: "3.6" },
    ],
    build: [{ command: "mvn", args: ["-q", "-B", "-ntp", "test-compile", "dependency:copy-dependencies"], cwd }],
    test: { command: "mvn", args: ["-B", "-ntp", "surefire:test"], cwd },
    driver: {
      command: "java",
      args: ["-XX:TieredStopAtLevel=1", "-cp", classpath.join(":"), "taskledger.worker.Driver"],
      cwd,
    },
  };
}

export const languages: readonly Language[] = [python(), go(), java()];

/** Why a language is left out here; undefined where its tools are there. */
export async function missingTools({ needs }: Language): Promise<string | undefined> {
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

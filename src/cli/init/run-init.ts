import { printable } from "../../inspection/printable.js";
import { CommandError, exitCodes, type Problem } from "../command-error.js";
import { indented, type Terminal } from "../terminal.js";
import { type ConfigFile, readBufConfig } from "./config-files.js";
import { exampleProto } from "./example-proto.js";
import { type PackageManager, packageManager } from "./package-manager.js";
import { checkPackages, installLines, type PackageProblem } from "./packages.js";
import { checkPlace, type ProjectFile, writeProjectFile } from "./project-file.js";
import { readVendoredProtos, type VendoredProtos } from "./vendored-protos.js";

/** The state of a project. */
interface Project {
  readonly configFiles: readonly ConfigFile[];
  readonly protos: VendoredProtos;
  readonly packages: readonly PackageProblem[];
  readonly manager: PackageManager;
  /** The first folder of the project's own .proto files. */
  readonly protoFolder: string;
}

async function readProject({ cwd, env }: Terminal): Promise<Project> {
  const manager = packageManager(cwd, env);
  const config = await readBufConfig(cwd);
  if ("refused" in config) throw failure(manager, config.refused, "Nothing was written.");
  return {
    configFiles: config.files,
    protos: await readVendoredProtos(cwd, config.layout.vendored),
    packages: await checkPackages(cwd, env, manager, config.remoteEs),
    manager,
    protoFolder: config.layout.own[0],
  };
}

/** Runs `taskledger init --check`. */
export async function checkProject(terminal: Terminal): Promise<void> {
  const { configFiles, protos, packages, manager } = await readProject(terminal);
  const problems = [...[...configFiles, protos].flatMap((each) => each.problems), ...packages];
  if (problems.length > 0) throw failure(manager, problems);
  terminal.out.write("buf.yaml, buf.gen.yaml, taskledger's .proto files and the installed packages are in order.\n");
}

/** Runs `taskledger init`. */
export async function initProject(terminal: Terminal, force: boolean): Promise<void> {
  const project = await readProject(terminal);
  const { configFiles, protos, manager } = project;
  const steps = [
    ...configFiles.map((file) => createStep(file, force && file.canAdd ? "extended" : "kept")),
    ...protos.files.map((file) => createStep(file, "replaced")),
  ];
  for (const { file, verb } of steps) if (verb !== "kept") await checkPlace(terminal.cwd, file);
  for (const step of steps) await carryOut(terminal, step);
  const lacking = configFiles.filter(({ state }) => state === "different");
  const problems = lacking.flatMap((file) => (force ? file.remaining : file.problems));
  if (problems.length > 0) throw failure(manager, problems, nextSteps(!force && lacking.some(({ canAdd }) => canAdd)));
  printNextSteps(terminal, project);
}

interface Step {
  readonly file: ProjectFile;
  readonly verb: keyof typeof verbStyles;
}

const verbStyles = { kept: "dim", wrote: "green", extended: "green", replaced: "green" } as const;

/** The step for a file; `verb` is for one that differs. */
function createStep(file: ProjectFile, verb: Step["verb"]): Step {
  return { file, verb: file.state === "missing" ? "wrote" : file.state === "current" ? "kept" : verb };
}

async function carryOut({ cwd, out }: Terminal, { file, verb }: Step): Promise<void> {
  if (verb !== "kept") await writeProjectFile(cwd, file);
  out.write(`${out.style(verbStyles[verb], verb.padEnd(8))} ${printable(file.path)}\n`);
}

function nextSteps(canAdd: boolean): string {
  const lines = ["When that is done, check again: npx taskledger init --check"];
  if (canAdd) lines.push("Or let init add what it can: npx taskledger init --force");
  return lines.join("\n");
}

/** The advice is written for npm; here it is adapted to the project's package manager. */
function failure(manager: PackageManager, problems: readonly Problem[], conclusion?: string): CommandError {
  const reworded = (text: string) => text.replaceAll("npx ", `${manager.run} `);
  const adapted = problems.map((problem) => ({ ...problem, advice: reworded(problem.advice) }));
  return new CommandError(exitCodes.checkFailed, adapted, conclusion && reworded(conclusion));
}

function printNextSteps({ out }: Terminal, { configFiles, packages, manager, protoFolder }: Project): void {
  for (const { code, text, advice, install } of packages) {
    if (install === undefined)
      out.write(`\n${out.style("yellow", `warning[${code}]:`)} ${printable(`${text}\n  ${advice}`)}\n`);
  }
  const lines = installLines(packages, manager);
  if (lines.length > 0) out.write(`\nInstall what is missing or too old:\n\n${indented(lines.join("\n"))}\n`);
  if (configFiles.every(({ state }) => state === "missing")) {
    const { path, text } = exampleProto(protoFolder);
    out.write(`\nDeclare a task type, as in ${printable(path)}:\n\n${indented(text)}`);
  }
  out.write(`\nGenerate the code:\n\n  ${manager.run} buf generate\n`);
}

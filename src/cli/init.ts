import { type Command, Option } from "commander";
import { CommandError, exitCodes, type Problem } from "./command-error.js";
import { type ConfigFile, readBufGenYaml, readBufYaml } from "./init/config-files.js";
import { exampleProto } from "./init/example-proto.js";
import { checkPackages, installLines, type PackageProblem } from "./init/packages.js";
import { type ProjectFile, writeProjectFile } from "./init/project-file.js";
import { readVendoredProtos, type VendoredProtos } from "./init/vendored-protos.js";
import type { Terminal } from "./terminal.js";

interface InitOptions {
  readonly check?: boolean;
  readonly force?: boolean;
}

export function addInit(program: Command, terminal: Terminal): void {
  program
    .command("init")
    .summary("prepare a project for task types in .proto files")
    .description(
      "Prepares the project in this folder for task types in .proto files: writes buf.yaml, buf.gen.yaml and a copy of" +
        " taskledger's own .proto files, all without a network.",
    )
    .addOption(new Option("--check", "write nothing; say what is off, also in the packages").conflicts("force"))
    .option("--force", "replace buf.yaml and buf.gen.yaml where they lack something")
    .addHelpText("after", help)
    .action((options: InitOptions) => (options.check ? check(terminal) : init(terminal, options.force ?? false)));
}

const help = `
buf.yaml and buf.gen.yaml are yours. Where they are there already they are kept, and what they lack is printed, with
the lines to add; the exit code is 3 then.

The copy of taskledger's .proto files (third_party/taskledger) is not to be edited. Files in it that differ from those
of the installed package, as after an update, are replaced, and named.`;

/** All that init cares about, as it was found. */
interface Project {
  readonly configFiles: readonly ConfigFile[];
  readonly protos: VendoredProtos;
  readonly packages: readonly PackageProblem[];
  /** The first folder of the project's own .proto files. */
  readonly protoFolder: string;
}

async function readProject({ cwd, env }: Terminal): Promise<Project> {
  const { layout, ...bufYaml } = await readBufYaml(cwd);
  const { remoteEs, ...bufGenYaml } = await readBufGenYaml(cwd, layout);
  return {
    configFiles: [bufYaml, bufGenYaml],
    protos: await readVendoredProtos(cwd, layout.vendored),
    packages: await checkPackages(cwd, env, remoteEs),
    protoFolder: layout.own[0],
  };
}

async function check(terminal: Terminal): Promise<void> {
  const { configFiles, protos, packages } = await readProject(terminal);
  const problems = [...[...configFiles, protos].flatMap((each) => each.problems), ...packages];
  if (problems.length > 0) throw new CommandError(exitCodes.checkFailed, problems);
  terminal.out.write("buf.yaml, buf.gen.yaml, taskledger's .proto files and the installed packages are in order.\n");
}

async function init(terminal: Terminal, force: boolean): Promise<void> {
  const project = await readProject(terminal);
  const lacking: Problem[] = [];
  for (const file of project.configFiles) {
    const isKept = file.state === "off" && !force;
    if (isKept) lacking.push(...file.problems);
    await put(terminal, file, isKept);
  }
  for (const file of project.protos.files) await put(terminal, file);
  if (lacking.length > 0) throw new CommandError(exitCodes.checkFailed, lacking, afterMerging);
  printNextSteps(terminal, project);
}

const afterMerging = `When that is done, see whether all is in order: npx taskledger init --check
Or have these files replaced: npx taskledger init --force`;

/** Writes a file that is missing or off, unless it has to be kept, and says so. */
async function put({ cwd, out }: Terminal, file: ProjectFile, isKept = false): Promise<void> {
  if (isKept || file.state === "fine") {
    out.write(`${out.style("dim", "kept    ")} ${file.path}\n`);
    return;
  }
  await writeProjectFile(cwd, file);
  out.write(`${out.style("green", file.state === "missing" ? "wrote   " : "replaced")} ${file.path}\n`);
}

function printNextSteps({ out }: Terminal, { configFiles, packages, protoFolder }: Project): void {
  for (const { code, text, advice, install } of packages) {
    if (install === undefined) out.write(`\n${out.style("yellow", `warning[${code}]:`)} ${text}\n  ${advice}\n`);
  }
  const lines = installLines(packages);
  if (lines.length > 0)
    out.write(`\nInstall what is missing or too old:\n\n${lines.map((line) => `  ${line}\n`).join("")}`);
  if (configFiles.every(({ state }) => state === "missing")) {
    const { path, text } = exampleProto(protoFolder);
    out.write(`\nDeclare a task type, as in ${path}:\n\n${text}`);
  }
  out.write("\nGenerate the code:\n\n  npx buf generate\n");
}

import type { Problem } from "../command-error.js";
import { checkBufVersion } from "./buf-version.js";
import type { ConfigProblem } from "./config-problem.js";
import { isInside, isWithin, type Layout, type Module, modules } from "./layout.js";
import { addItem, addMember, scalar } from "./yaml-edit.js";
import { items, member } from "./yaml-file.js";

/** The buf.yaml of a new project. */
export function bufYaml({ own, vendored }: Layout): string {
  return `version: v2
modules:
${own.map((path) => newModule(path, vendored)).join("")}  # Copied from the package taskledger by \`taskledger init\`, so that imports are found without a network.
  - path: ${vendored}
lint:
  use:
    - STANDARD
  ignore:
    - ${vendored}
breaking:
  use:
    - FILE
`;
}

function newModule(path: string, vendored: string): string {
  const excludes = isWithin(vendored, path) ? `    excludes:\n      - ${vendored}\n` : "";
  return `  - path: ${scalar(path)}\n${excludes}`;
}

/** The problems that make a buf.yaml unusable: it does not tell where the project's .proto files are. */
export function refuseBufYaml(value: unknown): readonly Problem[] {
  const outdated = checkBufVersion("buf.yaml", value);
  if (outdated.length > 0) return outdated;
  const declared = items(member(value, "modules")).map((each) => member(each, "path") ?? ".");
  const wrong = declared.filter((path) => typeof path !== "string" || !isInside(path));
  return wrong.map((path) => ({
    code: "INVALID_PATH",
    text: `buf.yaml: ${JSON.stringify(path)} is not the path of a folder in the project`,
    advice: "Write a path that is relative to buf.yaml and does not leave its folder, as buf needs it, too.",
  }));
}

/**
 * What a buf.yaml lacks. It need not exclude our .proto files from linting: they follow all of buf's rules.
 */
export function checkBufYaml(value: unknown, layout: Layout): readonly ConfigProblem[] {
  return [...checkModule(value, layout), ...checkExcludes(value, layout)];
}

function checkModule(value: unknown, { vendored }: Layout): readonly ConfigProblem[] {
  if (modules(value).some(({ path }) => path === vendored)) return [];
  const text = "buf.yaml has no module with taskledger's .proto files, which yours import";
  const declared = items(member(value, "modules"));
  if (declared.length > 0) {
    const advice = `Add to modules:\n\n  - path: ${vendored}`;
    return [
      { code: "MISSING_MODULE", text, advice, add: (document) => addItem(document, ["modules"], { path: vendored }) },
    ];
  }
  return [{ code: "MISSING_MODULE", text, ...impliedModule(member(value, "name"), vendored) }];
}

/** Without `modules`, buf takes the whole folder for one module. It becomes one of two, and keeps its name. */
function impliedModule(name: unknown, vendored: string): Pick<ConfigProblem, "advice" | "add"> {
  const named = typeof name === "string" ? { name } : {};
  const list = [{ path: ".", ...named, excludes: [vendored] }, { path: vendored }];
  const nameLine = named.name === undefined ? "" : `\n    name: ${scalar(named.name)}`;
  const lines = `modules:\n  - path: .${nameLine}\n    excludes:\n      - ${vendored}\n  - path: ${vendored}`;
  return {
    advice: named.name === undefined ? `Write:\n\n${lines}` : `Write, in place of name:\n\n${lines}`,
    add(document) {
      addMember(document, [], "modules", list);
      document.delete("name");
    },
  };
}

/** A module whose folder contains ours has our .proto files a second time, under other names. */
function checkExcludes(value: unknown, { vendored }: Layout): readonly ConfigProblem[] {
  const found = modules(value);
  if (!found.some(({ path }) => path === vendored)) return [];
  return found.flatMap((module, index) =>
    contains(module, vendored)
      ? {
          code: "OVERLAPPING_MODULES",
          text: `buf.yaml: the module ${module.path} contains the module ${vendored}, so that buf finds each file twice`,
          advice: `Add to the module ${module.path}:\n\n    excludes:\n      - ${vendored}`,
          add: (document) => addItem(document, ["modules", index, "excludes"], vendored),
        }
      : [],
  );
}

function contains({ path, includes, excludes }: Module, vendored: string): boolean {
  if (path === vendored || !isWithin(vendored, path)) return false;
  const isIncluded = includes.length === 0 || includes.some((folder) => isWithin(vendored, folder));
  return isIncluded && !excludes.some((folder) => isWithin(vendored, folder));
}

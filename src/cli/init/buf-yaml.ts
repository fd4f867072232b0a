import type { Problem } from "../command-error.js";
import { checkBufVersion } from "./buf-version.js";
import { isWithin, type Layout, modules } from "./layout.js";

/** The buf.yaml of a new project. */
export function bufYaml({ own, vendored }: Layout): string {
  return `version: v2
modules:
${own.map((path) => `  - path: ${path}\n`).join("")}  # Copied from the package taskledger by \`taskledger init\`, so that imports are found without a network.
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

/**
 * What a buf.yaml lacks. That lint rules ignore our .proto files is not asked for: they keep all of buf's rules.
 */
export function checkBufYaml(value: unknown, layout: Layout): readonly Problem[] {
  const outdated = checkBufVersion("buf.yaml", value);
  return outdated.length > 0 ? outdated : [...checkModule(value, layout), ...checkExcludes(value, layout)];
}

function checkModule(value: unknown, { vendored }: Layout): readonly Problem[] {
  const found = modules(value);
  if (found.some(({ path }) => path === vendored)) return [];
  const isImplied = found.length === 1 && found[0]?.path === ".";
  const text = `buf.yaml has no module with taskledger's .proto files, which yours import`;
  const advice = isImplied
    ? `Write:\n\nmodules:\n  - path: .\n    excludes:\n      - ${vendored}\n  - path: ${vendored}`
    : `Add to modules:\n\n  - path: ${vendored}`;
  return [{ code: "MISSING_MODULE", text, advice }];
}

/** A module around ours takes our .proto files in a second time, under another name. */
function checkExcludes(value: unknown, { vendored }: Layout): readonly Problem[] {
  const found = modules(value);
  if (!found.some(({ path }) => path === vendored)) return [];
  return found
    .filter(({ path }) => path !== vendored && isWithin(vendored, path))
    .filter(({ excludes }) => !excludes.some((folder) => isWithin(vendored, folder)))
    .map(({ path }) => ({
      code: "OVERLAPPING_MODULES",
      text: `buf.yaml: the module ${path} contains the module ${vendored}, so that buf finds each file twice`,
      advice: `Add to the module ${path}:\n\n    excludes:\n      - ${vendored}`,
    }));
}

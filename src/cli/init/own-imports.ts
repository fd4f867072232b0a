import { existsSync } from "node:fs";
import { join } from "node:path";
import { mapImportsOption, ownProtos } from "../../core/import-options.js";
import type { ConfigProblem } from "./config-problem.js";
import { installedVersion } from "./installed.js";
import type { PluginEntry } from "./plugin-entry.js";
import { addItem } from "./yaml-edit.js";

/** Checks that a plugin's options import the generated code of our .proto files from where it is. */
export async function checkOwnImports(plugin: PluginEntry, project: string): Promise<readonly ConfigProblem[]> {
  const { name, index, ownImports } = plugin;
  if (ownImports === undefined) {
    return [
      {
        code: "MISSING_MAP_IMPORTS",
        text: `buf.gen.yaml: ${name} has no map_imports for ${ownProtos}, whose generated code is in the package`,
        advice: `Add to the options of ${name}:\n\n    opt:\n      - ${mapImportsOption}`,
        add: (document) => addItem(document, ["plugins", index, "opt"], mapImportsOption),
      },
    ];
  }
  if (await isThere(ownImports, plugin, project)) return [];
  const text = `buf.gen.yaml: ${name} has the generated code of ${ownProtos} imported from ${ownImports || "nowhere"}`;
  const advice = `Write in the options of ${name}:\n\n    opt:\n      - ${mapImportsOption}`;
  return [{ code: "WRONG_MAP_IMPORTS", text: `${text}, where it is not`, advice }];
}

async function isThere(target: string, { out = "." }: PluginEntry, project: string): Promise<boolean> {
  if (/^\.{1,2}(?:\/|$)/.test(target)) return isGenerated(join(project, out, target));
  const [scope = "", name] = target.split("/");
  if (scope === "taskledger") return target === "taskledger/gen";
  // Names of the project's own, which only its compiler and its package.json know.
  if (scope.startsWith("#") || scope === "@" || scope === "~") return true;
  return (
    scope !== "" && (await installedVersion(project, scope.startsWith("@") ? `${scope}/${name}` : scope)) !== undefined
  );
}

function isGenerated(folder: string): boolean {
  return [".ts", ".js"].some((extension) => existsSync(join(folder, ownProtos, `options_pb${extension}`)));
}

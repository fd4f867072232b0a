import { dirname, join, relative, sep } from "node:path";
import type { Problem } from "../command-error.js";
import { isWithin, modules } from "./layout.js";
import { items, member, readYaml } from "./yaml-file.js";

/** Refuses a workspace of buf's older form, and a project inside another workspace, where our modules would be ignored. */
export async function checkWorkspace(project: string, hasNoBufYaml: boolean): Promise<readonly Problem[]> {
  if (!("missing" in (await readYaml(project, "buf.work.yaml")))) {
    return [
      {
        code: "OLD_BUF_FILE",
        text: "buf.work.yaml makes this a workspace of buf's older form, which may have no other buf.yaml",
        advice: "Migrate buf's files, then run this again: npx buf config migrate",
      },
    ];
  }
  return hasNoBufYaml ? checkAround(project) : [];
}

/** Whether a parent folder has a workspace with a module where the project is. */
async function checkAround(project: string, folder: string = dirname(project)): Promise<readonly Problem[]> {
  const place = relative(folder, project).replaceAll(sep, "/");
  for (const name of ["buf.work.yaml", "buf.yaml"]) {
    // Files above the project may not be readable.
    const file = await readYaml(folder, name).catch(() => undefined);
    const value = file && "value" in file ? file.value : undefined;
    if (!moduleFolders(value).some((path) => isWithin(place, path) || isWithin(path, place))) continue;
    const text = `the .proto files of this folder belong to the workspace of ${join(folder, name)}`;
    return [{ code: "INSIDE_WORKSPACE", text, advice: `Run this command in that workspace: ${folder}` }];
  }
  return dirname(folder) === folder ? [] : checkAround(project, dirname(folder));
}

function moduleFolders(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const directories = items(member(value, "directories")).map(String);
  return directories.length > 0 ? directories : modules(value).map(({ path }) => path);
}

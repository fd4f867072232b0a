import type { Problem } from "../command-error.js";
import { member } from "./yaml-file.js";

/** Refuses the older forms of buf's files, which declare modules and plugins differently. */
export function checkBufVersion(name: string, value: unknown): readonly Problem[] {
  const version = member(value, "version");
  if (version === "v2") return [];
  const text = version === undefined ? `${name} has no version` : `${name} has the version ${String(version)}`;
  return [
    {
      code: "OLD_BUF_FILE",
      text: `${text}; taskledger needs v2, in which a project can have several modules`,
      advice: "Migrate buf's files, then run this again: npx buf config migrate",
    },
  ];
}

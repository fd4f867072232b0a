import type { TaskKey } from "../../keys.js";
import type { Version } from "../../version.js";

/** What this process has made of one id while saves of it are under way. */
export interface VersionsUnderWay {
  latest: Version;
  saves: number;
}

/** Knows of each id that is being saved which version this process made last. */
export class SavesUnderWay {
  readonly #versions = new Map<string, VersionsUnderWay>();

  enter({ taskList, id }: TaskKey): VersionsUnderWay {
    const key = `${taskList}\0${id}`;
    const versions = this.#versions.get(key) ?? { latest: 0n, saves: 0 };
    versions.saves++;
    this.#versions.set(key, versions);
    return versions;
  }

  leave({ taskList, id }: TaskKey, versions: VersionsUnderWay): void {
    if (--versions.saves === 0) this.#versions.delete(`${taskList}\0${id}`);
  }
}

import { joinKey, type TaskKey } from "../../core/keys.js";
import type { Version } from "../../core/version.js";

/** What this process has made of one id while saves of it are under way. */
export interface VersionsUnderWay {
  readonly name: string;
  latest: Version;
  saves: number;
}

/** Knows of each id that is being saved which version this process made last. */
export class SavesUnderWay {
  readonly #versions = new Map<string, VersionsUnderWay>();

  enter(key: TaskKey): VersionsUnderWay {
    const name = joinKey(key);
    const versions = this.#versions.get(name) ?? { name, latest: 0n, saves: 0 };
    versions.saves++;
    this.#versions.set(name, versions);
    return versions;
  }

  leave(versions: VersionsUnderWay): void {
    if (--versions.saves === 0) this.#versions.delete(versions.name);
  }
}

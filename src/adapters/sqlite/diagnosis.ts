import { statfsSync, statSync } from "node:fs";
import type { Finding } from "../../adapter/adapter.js";
import type { Version, VersionClock } from "../../core/version.js";
import type { Connection } from "./connection.js";
import { RESERVE_BYTES, reservePath } from "./reserve-file.js";

/** On a disk with less room than this, saves will soon be refused. */
const LITTLE_ROOM = 256 * 1024 * 1024;

/** What there is to know of a database file. Throws what SQLite and the file system throw. */
export function diagnose(connection: Connection, clock: VersionClock): Finding[] {
  return [checkFile(connection), checkRoom(connection.path), checkClock(connection, clock)];
}

function checkFile(connection: Connection): Finding {
  const version = connection.get("SELECT sqlite_version() AS version")?.version;
  const log = statSync(`${connection.path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const text = `${connection.path}, ${megabytes(statSync(connection.path).size)}, log ${megabytes(log)}, SQLite ${version}`;
  return { check: "file", status: "ok", text };
}

function checkRoom(path: string): Finding {
  const { bavail, bsize } = statfsSync(path);
  const free = `${megabytes(bavail * bsize)} free on its disk`;
  const reserve = statSync(reservePath(path), { throwIfNoEntry: false })?.size;
  if (bavail * bsize < LITTLE_ROOM)
    return { check: "disk", status: "warning", text: free, advice: "Make room: on a full disk saves are refused." };
  // A process that writes makes it.
  const reserved = reserve === RESERVE_BYTES ? `, ${megabytes(RESERVE_BYTES)} reserved for completes` : "";
  return { check: "disk", status: "ok", text: `${free}${reserved}` };
}

/** No version is later than one that this clock could have made, unless it was ahead, or has been set back since. */
function checkClock(connection: Connection, clock: VersionClock): Finding {
  const latest = connection.get("SELECT latest FROM ledger")?.latest as Version;
  const ahead = Number(latest - clock.now()) / 1e6;
  if (latest <= clock.horizon())
    return { check: "clock", status: "ok", text: "no version lies ahead of this host's clock" };
  return {
    check: "clock",
    status: "warning",
    text: `the latest version lies ${Math.round(ahead)} s ahead of this host's clock`,
    advice: "Check the clock (NTP). Nothing is lost: new versions are made behind that one.",
  };
}

function megabytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

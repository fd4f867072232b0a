import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Folder, findProgram, Server, versionFolders } from "./server.js";

const find = (name: string) => findProgram(name, versionFolders("/usr/lib/postgresql"));

/** Why no PostgreSQL can be started here; undefined if one can. */
export function whyNoPostgres(): string | undefined {
  return find("initdb") && find("postgres") ? undefined : "there is no PostgreSQL (Debian: apt-get install postgresql)";
}

/** A PostgreSQL with default settings; use its database `postgres` and its user `postgres`. */
export async function startPostgres(): Promise<Server> {
  const [initdb, program] = [find("initdb"), find("postgres")];
  if (initdb === undefined || program === undefined) throw new Error(whyNoPostgres());
  const folder = new Folder("postgres", "postgres");
  const data = join(folder.path, "data");
  const options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"];
  execFileSync(initdb, [...options, "-D", data], { ...folder.owner, cwd: folder.path, stdio: "pipe" });
  const args = (port: number) => ["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder.path];
  return Server.start(program, args, folder, "ready to accept connections");
}

export function postgresUrl({ port }: Pick<Server, "port">): string {
  return `postgres://postgres@127.0.0.1:${port}/postgres`;
}

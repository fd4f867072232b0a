import { readdirSync } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dirname, "../..");

/** An executable that is installed with the development dependencies. */
export function binPath(name: string): string {
  return join(repository, "node_modules/.bin", name);
}

/** buf itself. Its npm package puts a Node process before it, which would take longer than it does. */
export const bufPath = findBuf();

function findBuf(): string {
  const scope = join(repository, "node_modules/@bufbuild");
  const platformPackage = readdirSync(scope).find((name) => name.startsWith("buf-"));
  return platformPackage === undefined ? binPath("buf") : join(scope, platformPackage, "bin/buf");
}

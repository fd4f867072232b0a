import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const usual = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/**
 * The browser: CHROMIUM_PATH, or the one that the system has. Where CI is set it is installed if it is missing, and it is an
 * error if that fails; elsewhere undefined, and the tests are left out.
 */
export function findChromium(): string | undefined {
  const find = () => [process.env.CHROMIUM_PATH, ...usual].find((path) => path && existsSync(path));
  const found = find();
  if (found !== undefined || !process.env.CI) return found;
  install();
  const installed = find();
  if (installed === undefined) throw new Error("the board's tests need Chromium, and it could not be installed");
  return installed;
}

function install(): void {
  const apt = (...args: string[]) => execFileSync("apt-get", ["-qq", ...args], { stdio: "inherit" });
  apt("update");
  apt("install", "--yes", "--no-install-recommends", "chromium");
}

export const whyLeftOut = "no Chromium was found: install it, or set CHROMIUM_PATH";

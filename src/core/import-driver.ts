import { TaskError } from "./errors.js";

/**
 * Imports an optional peer dependency when it is first needed.
 *
 * @throws MISSING_DRIVER with the command that installs it, or, if it is installed, with why it can't be loaded.
 */
export async function importDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const why = isNotInstalled(name, cause)
      ? `${name} is not installed; install it: npm install ${name}`
      : `${name} is installed, but can't be loaded: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new TaskError("MISSING_DRIVER", why, { cause });
  }
}

/**
 * Whether it is the driver itself that is missing, and not something that it needs, such as a file that its installation
 * should have built. Only the message says which: Node, Bun and Deno quote it there first, and Yarn has it in `data`.
 */
function isNotInstalled(name: string, cause: unknown): boolean {
  const { code, message, data } = Object(cause) as NodeJS.ErrnoException & { data?: { dependencyName?: unknown } };
  if (code !== "ERR_MODULE_NOT_FOUND" && code !== "MODULE_NOT_FOUND") return false;
  return data?.dependencyName === name || /(["'])(.+?)\1/.exec(String(message))?.[2] === name;
}

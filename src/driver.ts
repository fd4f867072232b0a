import { TaskError } from "./errors.js";

/**
 * Imports an optional peer dependency when it is first needed. Throws MISSING_DRIVER with the line that installs it
 * where it is not there.
 */
export async function importDriver<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const missing = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
    const reason = missing ? `${name} is not installed` : `${name} can't be loaded: ${message}`;
    throw new TaskError("MISSING_DRIVER", `${reason}; install it: npm install ${name}`, { cause });
  }
}

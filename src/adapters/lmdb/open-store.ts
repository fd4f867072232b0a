import { Environment } from "./environment.js";
import { prepareFolder } from "./folder.js";
import { WriteQueue } from "./write-queue.js";

/** A folder that this process has open. */
export interface OpenStore {
  readonly environment: Environment;
  readonly queue: WriteQueue;
  /** By how many adapters it is used. */
  users: number;
  closing: Promise<void> | undefined;
}

/** By folder: the adapters on one share its transactions. */
const stores = new Map<string, Promise<OpenStore>>();

/** Throws MISSING_DRIVER, SCHEMA_MISMATCH, UNAVAILABLE. */
export async function useStore(path: string): Promise<OpenStore> {
  const folder = await prepareFolder(path);
  for (;;) {
    const store = await findOrOpen(folder);
    if (store.closing === undefined) {
      store.users++;
      return store;
    }
    await store.closing;
  }
}

/** Closes the store where nobody else uses it, and where it can't be used any more. */
export async function leaveStore(store: OpenStore): Promise<void> {
  store.users--;
  if (store.users <= 0 || store.environment.failed) store.closing ??= close(store);
  await store.closing;
}

function findOrOpen(folder: string): Promise<OpenStore> {
  const found = stores.get(folder);
  if (found) return found;
  const opening = open(folder);
  stores.set(folder, opening);
  opening.catch(() => stores.delete(folder));
  return opening;
}

async function open(folder: string): Promise<OpenStore> {
  const environment = await Environment.open(folder);
  return { environment, queue: new WriteQueue(environment), users: 0, closing: undefined };
}

async function close({ environment, queue }: OpenStore): Promise<void> {
  try {
    await queue.idle();
    await environment.close();
  } finally {
    stores.delete(environment.folder);
  }
}

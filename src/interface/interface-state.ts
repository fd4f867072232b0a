import type { Adapter } from "../adapter/adapter.js";
import { invalidArgument } from "../core/errors.js";
import type { TaskTypeRegistry } from "../task/registry.js";
import type { Services } from "../task/task-types.js";

/** What an adapter builder is told about the data interface. */
export interface AdapterBuilderOptions {
  /** Maximum size of an envelope, in bytes. */
  readonly maxTaskBytes: number;
}

/** Builds the adapter of a data interface; called at most once, when the adapter is first needed. */
export type AdapterBuilder = (options: AdapterBuilderOptions) => Adapter;

/** The state of a data interface. */
export interface InterfaceState {
  readonly registry: TaskTypeRegistry;
  readonly services: Services;
  readonly adapterBuilder: AdapterBuilder | undefined;
  adapter: Adapter | undefined;
  closing: Promise<void> | undefined;
}

/** Beside the objects, since a `#private` member would make the classes of two installed copies unrelated types. */
const states = new WeakMap<object, InterfaceState>();

export function setInterfaceState(tasks: object, state: InterfaceState): void {
  states.set(tasks, state);
}

export function interfaceState(tasks: object): InterfaceState {
  return states.get(tasks) as InterfaceState;
}

export function registryOf(tasks: object): TaskTypeRegistry {
  return interfaceState(tasks).registry;
}

/** The services that the application passed to the interface. */
export function servicesOf(tasks: object): Services {
  return interfaceState(tasks).services;
}

/** Throws INVALID_ARGUMENT. */
export function checkDataInterface(field: string, value: unknown): void {
  if (states.has(value as object)) return;
  throw invalidArgument(field, "a DataInterface", value);
}

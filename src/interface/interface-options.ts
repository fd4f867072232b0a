import type { Adapter } from "../adapter/adapter.js";
import { checkAdapter } from "../adapter/check-adapter.js";
import { type OptionNames, readOptions } from "../core/arguments.js";
import { messageOf } from "../core/describe-value.js";
import { invalidArgument, isTaskError, TaskError } from "../core/errors.js";
import { isPlainObject } from "../core/values.js";
import { DEFAULT_MAX_TASK_BYTES } from "../envelope/envelope.js";
import type { Task } from "../task/task.js";
import type { Services, TaskClass } from "../task/task-types.js";
import { checkValidation, type Validate, type Validation } from "../task/validation.js";
import type { AdapterBuilder, AdapterBuilderOptions } from "./interface-state.js";

/** The options of a data interface, apart from its adapter. */
export interface InterfaceOptions<C extends TaskClass<Task>> {
  /** The classes that tasks are read as. Tasks of other types are returned as OpaqueTask. */
  readonly types: readonly C[];
  /** Maximum size of an envelope that may be saved, in bytes. @defaultValue 1,048,576 (1 MiB) */
  readonly maxTaskBytes?: number | undefined;
  /**
   * Validates the data of each task before it is saved, beyond its schema; with protovalidate, for example, see
   * docs/validation.md. If it returns violations, saving throws INVALID_DATA with the field's path and the rule.
   */
  readonly validate?: Validate | undefined;
  /** Also calls `validate` for each task that is read; one with violations is returned as an OpaqueTask. @defaultValue false */
  readonly validateRead?: boolean | undefined;
  /** Passed to `execute` and handlers as `context.services`, such as a mailer. @defaultValue an empty object */
  readonly services?: Services | undefined;
}

/** The types, and the adapter, or how to build it when it is first needed. */
export type DataInterfaceOptions<C extends TaskClass<Task> = TaskClass<Task>> = InterfaceOptions<C> &
  (
    | {
        /** The adapter. */
        readonly adapter: Adapter;
        /** Not together with `adapter`. */
        readonly adapterBuilder?: undefined;
      }
    | {
        /** Builds the adapter when it is first needed. */
        readonly adapterBuilder: AdapterBuilder;
        /** Not together with `adapterBuilder`. */
        readonly adapter?: undefined;
      }
  );

/** An adapter, or its builder. */
type AnyInterfaceOptions<C extends TaskClass<Task>> = InterfaceOptions<C> & {
  readonly adapter?: Adapter | undefined;
  readonly adapterBuilder?: AdapterBuilder | undefined;
};

function interfaceOptions<C extends TaskClass<Task>>(): OptionNames<AnyInterfaceOptions<C>> {
  return {
    ...{ types: true, adapter: true, adapterBuilder: true, maxTaskBytes: true },
    ...{ validate: true, validateRead: true, services: true },
  };
}

/** The options, checked and with their defaults. */
interface CheckedOptions<C extends TaskClass<Task>> {
  readonly types: readonly C[];
  readonly maxTaskBytes: number;
  readonly validation: Validation;
  readonly services: Services;
  readonly adapter: Adapter | undefined;
  readonly adapterBuilder: AdapterBuilder | undefined;
}

/** Throws INVALID_ARGUMENT. */
export function readInterfaceOptions<C extends TaskClass<Task>>(options: DataInterfaceOptions<C>): CheckedOptions<C> {
  if (!isPlainObject(options)) throw invalidArgument("options", "{ types, adapter }", options);
  const {
    types,
    maxTaskBytes = DEFAULT_MAX_TASK_BYTES,
    ...rest
  } = readOptions(options as AnyInterfaceOptions<C>, interfaceOptions<C>());
  const { adapter, adapterBuilder, services = {} as Services } = rest;
  const validation = checkValidation(rest.validate, rest.validateRead ?? false);
  checkMaxTaskBytes(maxTaskBytes);
  checkServices(services);
  if (typeof adapterBuilder !== "function") checkAdapter("adapter", "an adapter", adapter);
  return { types, maxTaskBytes, validation, services, adapter, adapterBuilder };
}

/** Calls an adapter builder. Throws INVALID_ARGUMENT if it fails, or returns anything else. */
export function buildAdapter(build: AdapterBuilder | undefined, options: AdapterBuilderOptions): Adapter {
  let built: unknown;
  try {
    built = build?.(options);
  } catch (cause) {
    if (isTaskError(cause)) throw cause;
    throw new TaskError("INVALID_ARGUMENT", `adapterBuilder failed: ${messageOf(cause)}`, {
      field: "adapterBuilder",
      cause,
    });
  }
  checkAdapter("adapterBuilder", "it to return an adapter", built);
  return built;
}

function checkServices(value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw invalidArgument("services", "an object", value);
}

function checkMaxTaskBytes(value: unknown): void {
  if (typeof value === "number" && value >= 1) return;
  throw invalidArgument("maxTaskBytes", "a number of bytes", value);
}

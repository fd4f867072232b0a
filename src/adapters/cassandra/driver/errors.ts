import type { SessionErrorKind } from "../model/session.js";
import { tlsAdvice } from "./tls.js";

export type Driver = typeof import("cassandra-driver");

/** An error of the driver in one line: if no host was available, the error of the first. */
export function describeDriverError(error: unknown): string {
  const { innerErrors } = error as { innerErrors?: Record<string, unknown> };
  const [first] = Object.entries(innerErrors ?? {}).filter(([, inner]) => inner !== null);
  if (first) return `no host is available: ${first[0]}: ${describeDriverError(first[1])}`;
  const message = error instanceof Error ? error.message : String(error);
  return `${message.split("\n", 1)[0]}${tlsAdvice(error)}`;
}

export interface ClassifiedError {
  readonly kind: SessionErrorKind;
  /** Whether the request may have reached a replica. */
  readonly reached: boolean;
}

export function classifyDriverError(error: unknown, driver: Driver): ClassifiedError {
  const { errors } = driver;
  if (error instanceof errors.ResponseError) return classifyResponse(error, driver);
  if (error instanceof errors.OperationTimedOutError) return { kind: "timeout", reached: true };
  if (error instanceof errors.BusyConnectionError) return { kind: "overloaded", reached: false };
  if (error instanceof errors.NoHostAvailableError) return classifyHosts(error, driver);
  if (error instanceof errors.AuthenticationError || error instanceof errors.ArgumentError)
    return { kind: "refused", reached: false };
  if (error instanceof TypeError || error instanceof RangeError) return { kind: "refused", reached: false };
  const { requestNotWritten } = error as { requestNotWritten?: boolean };
  return { kind: "connection", reached: requestNotWritten !== true };
}

/** Classifies by the error of each host that was tried; there is none if all were known to be down. */
function classifyHosts(error: { innerErrors?: object }, driver: Driver): ClassifiedError {
  const inner = Object.values(error.innerErrors ?? {}).filter((each) => each instanceof Error);
  const each = inner.map((one) => classifyDriverError(one, driver));
  const refused = each.find(({ kind }) => kind === "refused");
  if (refused) return refused;
  const kind = each.find((one) => one.kind === "overloaded")?.kind ?? "connection";
  return { kind, reached: each.some(({ reached }) => reached) };
}

const timeout: ClassifiedError = { kind: "timeout", reached: true };
const unavailable: ClassifiedError = { kind: "unavailable", reached: false };
const failure: ClassifiedError = { kind: "failure", reached: true };

/** By the driver's names for the protocol's codes; others are refusals. */
const responses: Readonly<Record<string, ClassifiedError>> = {
  writeTimeout: timeout,
  readTimeout: timeout,
  unavailableException: unavailable,
  unprepared: unavailable, // the driver failed to prepare it again
  isBootstrapping: unavailable,
  overloaded: { kind: "overloaded", reached: true },
  readFailure: failure,
  serverError: failure,
  writeFailure: failure,
  truncateError: failure,
};

function classifyResponse(error: Error & { code?: number }, driver: Driver): ClassifiedError {
  const [name = ""] = Object.entries(driver.types.responseErrorCodes).find(([, code]) => code === error.code) ?? [];
  const isTooLarge = name === "invalid" && /max_mutation_size|too (large|big)/i.test(error.message);
  return responses[name] ?? { kind: isTooLarge ? "too-large" : "refused", reached: false };
}

/** Whether a node refuses a statement because it does not know a keyspace or a table, perhaps only not yet. */
export function isUnknownToNode(error: unknown, { errors, types }: Driver): boolean {
  const { invalid, configError } = types.responseErrorCodes;
  if (!(error instanceof errors.ResponseError) || ![invalid, configError].includes(error.code)) return false;
  return /does(n't| not) exist|unconfigured table/i.test(error.message);
}

/** The reason code of replicas that met more tombstones in a read than they allow. */
const READ_TOO_MANY_TOMBSTONES = 1;

/**
 * Whether a read of a range may have failed because of the tombstones in it. Version 5 of the protocol tells the reason,
 * version 4, the latest that cassandra-driver 4.10 speaks, only that replicas have failed.
 */
export function mayBeTombstones(error: unknown, { errors, types }: Driver): boolean {
  if (!(error instanceof errors.ResponseError) || error.code !== types.responseErrorCodes.readFailure) return false;
  const { reasons } = error as { reasons?: object };
  return reasons === undefined || Object.values(reasons).includes(READ_TOO_MANY_TOMBSTONES);
}

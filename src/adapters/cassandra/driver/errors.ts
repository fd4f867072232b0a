import { isTaskError, type TaskError } from "../../../core/errors.js";
import { SessionError, type SessionErrorKind } from "../model/session.js";

export type Driver = typeof import("cassandra-driver");

/**
 * Whether a failed call may have been applied, or may be later; `reached` tells whether its request may have reached a replica,
 * judging from the error.
 */
export type MayApply = (reached: boolean) => boolean;

/** The error of a failed call, by default of a read. Those of the adapter are given back as they are. */
export function toSessionError(
  cause: unknown,
  driver: Driver,
  mayApply: MayApply = () => false,
): SessionError | TaskError {
  if (isTaskError(cause) || cause instanceof SessionError) return cause;
  const { kind, reached } = classify(cause, driver);
  return new SessionError(kind, mayApply(reached), describe(cause), cause);
}

/** In one line: if no host was available, the error of the first. */
function describe(error: unknown): string {
  const { innerErrors } = error as { innerErrors?: Record<string, unknown> };
  const [first] = Object.entries(innerErrors ?? {}).filter(([, inner]) => inner !== null);
  if (first) return `no host is available: ${first[0]}: ${describe(first[1])}`;
  const [line] = (error instanceof Error ? error.message : String(error)).split("\n", 1);
  if (!unknownAuthority.has((error as { code?: unknown } | null)?.code)) return line as string;
  return `${line}; name the certificate of its authority: tlsCAFile in a URL, sslOptions.ca`;
}

/** The codes of Node.js for a certificate whose authority is not trusted. */
const unknownAuthority: ReadonlySet<unknown> = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
]);

interface Classified {
  readonly kind: SessionErrorKind;
  readonly reached: boolean;
}

const timeout: Classified = { kind: "timeout", reached: true };
const unavailable: Classified = { kind: "unavailable", reached: false };
const failure: Classified = { kind: "failure", reached: true };
const refused: Classified = { kind: "refused", reached: false };

/** By the driver's names for the protocol's codes; others are refusals. */
const responses: Readonly<Record<string, Classified>> = {
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

function classify(error: unknown, driver: Driver): Classified {
  const { errors, types } = driver;
  if (error instanceof errors.ResponseError) {
    const [name = ""] = Object.entries(types.responseErrorCodes).find(([, code]) => code === error.code) ?? [];
    const isTooLarge = name === "invalid" && /max_mutation_size|too (large|big)/i.test(error.message);
    return isTooLarge ? { kind: "too-large", reached: false } : (responses[name] ?? refused);
  }
  if (error instanceof errors.NoHostAvailableError) return classifyHosts(error, driver);
  if (error instanceof errors.OperationTimedOutError) return timeout;
  if (error instanceof errors.BusyConnectionError) return { kind: "overloaded", reached: false };
  const refusals = [errors.AuthenticationError, errors.ArgumentError, TypeError, RangeError];
  if (refusals.some((refusal) => error instanceof refusal)) return refused;
  return { kind: "connection", reached: (error as { requestNotWritten?: boolean }).requestNotWritten !== true };
}

/** Classifies by the error of each host that was tried; there is none if all were known to be down. */
function classifyHosts(error: { innerErrors?: object }, driver: Driver): Classified {
  const inner = Object.values(error.innerErrors ?? {}).filter((each) => each instanceof Error);
  const each = inner.map((one) => classify(one, driver));
  if (each.some(({ kind }) => kind === "refused")) return refused;
  const kind = each.some((one) => one.kind === "overloaded") ? "overloaded" : "connection";
  return { kind, reached: each.some(({ reached }) => reached) };
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

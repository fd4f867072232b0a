import { isTaskError, type TaskError } from "../../../core/errors.js";
import { SessionError, type SessionErrorKind } from "../model/session.js";

export type Driver = typeof import("cassandra-driver");

/** What an error means: of which kind it is, and whether the request may have reached a replica. */
type Meaning = readonly [kind: SessionErrorKind, reached: boolean];

/** Whether a failed call may have been applied, or may be later, given whether it may have reached a replica. */
export type MayApply = (reached: boolean) => boolean;

/** The error of a failed call, by default of a read. Those of the adapter are given back as they are. */
export function toSessionError(
  cause: unknown,
  driver: Driver,
  mayApply: MayApply = () => false,
): SessionError | TaskError {
  if (isTaskError(cause) || cause instanceof SessionError) return cause;
  const [kind, reached] = classify(cause, driver);
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

/** By the driver's names for the protocol's codes; others are refusals. */
const responses: Readonly<Record<string, Meaning>> = {
  writeTimeout: ["timeout", true],
  readTimeout: ["timeout", true],
  unavailableException: ["unavailable", false],
  unprepared: ["unavailable", false], // the driver failed to prepare it again
  isBootstrapping: ["unavailable", false],
  overloaded: ["overloaded", true],
  readFailure: ["failure", true],
  serverError: ["failure", true],
  writeFailure: ["failure", true],
  truncateError: ["failure", true],
};

function classify(error: unknown, driver: Driver): Meaning {
  const { errors } = driver;
  if (error instanceof errors.ResponseError) {
    const name = responseOf(error, driver);
    if (name === "invalid" && /max_mutation_size|too (large|big)/i.test(error.message)) return ["too-large", false];
    return responses[name] ?? ["refused", false];
  }
  if (error instanceof errors.NoHostAvailableError) return classifyHosts(error, driver);
  if (error instanceof errors.OperationTimedOutError) return ["timeout", true];
  if (error instanceof errors.BusyConnectionError) return ["overloaded", false];
  const refusals = [errors.AuthenticationError, errors.ArgumentError, TypeError, RangeError];
  if (refusals.some((refusal) => error instanceof refusal)) return ["refused", false];
  return ["connection", (error as { requestNotWritten?: boolean }).requestNotWritten !== true];
}

/** Classifies by the error of each host that was tried; there is none if all were known to be down. */
function classifyHosts({ innerErrors }: { innerErrors?: object }, driver: Driver): Meaning {
  const tried = Object.values(innerErrors ?? {}).filter((each) => each instanceof Error);
  const meanings = tried.map((each) => classify(each, driver));
  const has = (wanted: SessionErrorKind) => meanings.some(([kind]) => kind === wanted);
  if (has("refused")) return ["refused", false];
  return [has("overloaded") ? "overloaded" : "connection", meanings.some(([, reached]) => reached)];
}

/** The driver's name for the code of a server's error; empty for other errors. */
function responseOf(error: unknown, { errors, types }: Driver): string {
  if (!(error instanceof errors.ResponseError)) return "";
  return Object.entries(types.responseErrorCodes).find(([, code]) => code === error.code)?.[0] ?? "";
}

/** Whether a node refuses a statement because it does not know a keyspace or a table, perhaps only not yet. */
export function isUnknownToNode(error: unknown, driver: Driver): boolean {
  if (!["invalid", "configError"].includes(responseOf(error, driver))) return false;
  return /does(n't| not) exist|unconfigured table/i.test((error as Error).message);
}

/** The reason code of replicas that met more tombstones in a read than they allow. */
const READ_TOO_MANY_TOMBSTONES = 1;

/**
 * Whether a read of a range may have failed because of the tombstones in it. Version 5 of the protocol tells the reason,
 * version 4, the latest that cassandra-driver 4.10 speaks, only that replicas have failed.
 */
export function mayBeTombstones(error: unknown, driver: Driver): boolean {
  if (responseOf(error, driver) !== "readFailure") return false;
  const { reasons } = error as { reasons?: object };
  return reasons === undefined || Object.values(reasons).includes(READ_TOO_MANY_TOMBSTONES);
}

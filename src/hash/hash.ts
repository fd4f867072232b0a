import {
  create,
  createRegistry,
  type DescFile,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonObject,
  type Registry,
  toBinary,
  toJson,
} from "@bufbuild/protobuf";
import { BinaryWriter, base64Decode, base64Encode } from "@bufbuild/protobuf/wire";
import { type Any, anyUnpack } from "@bufbuild/protobuf/wkt";
import { type TaskEnvelope, TaskEnvelopeSchema } from "../../gen/taskledger/v1/envelope_pb.js";
import { SealedDataSchema } from "../../gen/taskledger/v1/sealed_data_pb.js";
import { checkEnvelope } from "../envelope/check.js";
import { packData } from "../envelope/envelope.js";
import { UNKNOWN_FIELDS_HEADER } from "../envelope/headers.js";
import { describeValue, TaskError } from "../errors.js";
import { checkOptions } from "../options.js";
import { MAX_DEPTH } from "../task/data-check.js";
import { typeNameOf, typeUrlOf } from "../type-url.js";
import { isPlainObject } from "../values.js";
import { losesInJson } from "./json-loss.js";
import { locateJsonProblem } from "./json-problem.js";

/** A task as a plain object that JSON keeps whole: ProtoJSON of `taskledger.v1.TaskEnvelope`. */
export type TaskHash = JsonObject;

/** The envelope and the Any around the data count as levels of the JSON, too. */
const recursionLimit = MAX_DEPTH + 2;

/** `schema` is that of the data, or undefined if this process does not know it. */
export function envelopeToHash(envelope: TaskEnvelope & { data: Any }, schema: DescMessage | undefined): TaskHash {
  const hashable = unknownFieldsToHeader(envelope);
  const known = schema && withKnownData(hashable, schema);
  const sealed = known ?? toJson(TaskEnvelopeSchema, { ...hashable, data: seal(envelope.data) }, { registry: sealing });
  return sealed as TaskHash;
}

/** Undefined where ProtoJSON would lose or refuse some of the data. */
function withKnownData(envelope: TaskEnvelope & { data: Any }, schema: DescMessage): TaskHash | undefined {
  const registry = registryOf(schema);
  const data = anyUnpack(envelope.data, schema);
  if (data === undefined || losesInJson(schema, data, registry)) return undefined;
  try {
    return toJson(TaskEnvelopeSchema, envelope, { registry }) as TaskHash;
  } catch {
    return undefined; // a Timestamp out of range, an Any of a type that the registry lacks, a Value of no kind …
  }
}

export interface FromHashOptions {
  /** Passes over keys that the schema does not have; without it they are refused. */
  readonly ignoreUnknownFields?: boolean | undefined;
}

/**
 * Reads a hash. `schemaOf` gives the schemas of the types this process knows. Throws INVALID_HASH with the path of what
 * is wrong, and UNKNOWN_TYPE for plain data of a type it does not know, which JSON alone cannot turn into bytes.
 */
export function hashToEnvelope(
  hash: unknown,
  schemaOf: (typeName: string) => DescMessage | undefined,
  options: FromHashOptions = {},
): TaskEnvelope & { data: Any } {
  checkOptions(options);
  const { typeUrl, sealed } = dataTypeOf(hash);
  const schema = sealed ? SealedDataSchema : schemaOf(typeNameOf(typeUrl));
  if (schema === undefined) throw unknownType(typeNameOf(typeUrl));
  const envelope = parse(hash, schema, options);
  checkEnvelope(envelope, "INVALID_HASH");
  // protobuf-es packs under its own prefix; the sender's stays.
  envelope.data = sealed ? unseal(envelope.data) : packData(typeUrl, envelope.data.value);
  unknownFieldsFromHeader(envelope);
  checkEnvelope(envelope, "INVALID_HASH");
  return envelope;
}

function parse(hash: unknown, schema: DescMessage, { ignoreUnknownFields = false }: FromHashOptions): TaskEnvelope {
  const options = { registry: registryOf(schema), ignoreUnknownFields, recursionLimit };
  try {
    return fromJson(TaskEnvelopeSchema, hash as TaskHash, options);
  } catch (cause) {
    const { path, reason } = locateJsonProblem(TaskEnvelopeSchema, hash, options, cause as Error);
    throw new TaskError("INVALID_HASH", `${path || "the hash"}: ${reason}`, { field: path || undefined, cause });
  }
}

function dataTypeOf(hash: unknown): { typeUrl: string; sealed: boolean } {
  if (!isPlainObject(hash))
    throw new TaskError("INVALID_HASH", `expected the plain object of a task, got ${describeValue(hash)}`);
  const data = Object.hasOwn(hash, "data") ? hash.data : undefined;
  const typeUrl = typeof data === "object" && data !== null ? (data as Record<string, unknown>)["@type"] : undefined;
  if (typeof typeUrl !== "string" || typeNameOf(typeUrl) === "")
    throw new TaskError("INVALID_HASH", `data["@type"] must name the type of the data; got ${describeValue(typeUrl)}`, {
      field: 'data["@type"]',
    });
  return { typeUrl, sealed: typeNameOf(typeUrl) === SealedDataSchema.typeName };
}

function unknownType(type: string): TaskError {
  const advice = "register it; the bytes of a task (toBinary) can be kept and passed on without";
  return new TaskError(
    "UNKNOWN_TYPE",
    `${type} is not among the types known here, so its JSON can't be read: ${advice}`,
    {
      field: 'data["@type"]',
    },
  );
}

function seal({ typeUrl, value }: Any): Any {
  const sealed = create(SealedDataSchema, { typeUrl, value });
  return packData(typeUrlOf(SealedDataSchema.typeName), toBinary(SealedDataSchema, sealed));
}

function unseal({ value }: Any): Any {
  const sealed = fromBinary(SealedDataSchema, value);
  return packData(sealed.typeUrl, sealed.value);
}

function unknownFieldsToHeader(envelope: TaskEnvelope & { data: Any }): TaskEnvelope & { data: Any } {
  if (!envelope.$unknown?.length) return envelope;
  const writer = new BinaryWriter();
  for (const { no, wireType, data } of envelope.$unknown) writer.tag(no, wireType).raw(data);
  const headers = { ...envelope.headers, [UNKNOWN_FIELDS_HEADER]: base64Encode(writer.finish()) };
  return { ...envelope, headers };
}

function unknownFieldsFromHeader(envelope: TaskEnvelope): void {
  const header = envelope.headers[UNKNOWN_FIELDS_HEADER];
  if (header === undefined) return;
  try {
    const { $unknown } = fromBinary(TaskEnvelopeSchema, base64Decode(header));
    if (!$unknown) return;
    envelope.$unknown = $unknown;
    delete envelope.headers[UNKNOWN_FIELDS_HEADER];
  } catch {
    // Somebody else's header, then.
  }
}

const sealing = createRegistry(SealedDataSchema);
const registries = new WeakMap<DescMessage, Registry>();

/** The types that JSON of this data may name in an Any: those of its file and of the files that one imports. */
function registryOf(schema: DescMessage): Registry {
  let registry = registries.get(schema);
  if (registry === undefined) {
    registry = createRegistry(schema, ...filesOf(schema.file, new Set()));
    registries.set(schema, registry);
  }
  return registry;
}

function filesOf(file: DescFile, found: Set<DescFile>): Set<DescFile> {
  if (!found.has(file)) {
    found.add(file);
    for (const imported of file.dependencies) filesOf(imported, found);
  }
  return found;
}

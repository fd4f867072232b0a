import type { Version } from "../../core/version.js";
import type { Mutation } from "./session.js";
import type { Partition } from "./shard.js";
import type { Statements } from "./statements.js";

/**
 * A statement and its parameters. The driver sends a Buffer as it is, whatever the column's type, so that what many
 * statements have in common need not be encoded for each; and clients differ in what they take for a bigint.
 */
export interface Query {
  readonly query: string;
  readonly params: unknown[];
}

/** A bigint as CQL has it: eight bytes, the highest first. */
export function encodeVersion(version: Version): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  eightBytes.setBigInt64(0, version);
  for (let i = 0; i < 8; i++) bytes[i] = eightBytes.getUint8(i);
  return bytes;
}

/** Takes half as long as `writeBigInt64BE`, which makes further bigints. */
const eightBytes = new DataView(new ArrayBuffer(8));

function encodeInt(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The driver takes bytes as Buffers only. */
function toBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Encodes mutations of one partition. Those of one task follow each other, and share their id and version. */
export class MutationEncoder {
  readonly #statements: Statements;
  readonly #taskList: Buffer;
  readonly #shard: Buffer;
  readonly #id = new LastEncoded<string>(Buffer.from);
  readonly #version = new LastEncoded<Version>(encodeVersion);

  constructor(statements: Statements, { taskList, shard }: Partition) {
    this.#statements = statements;
    this.#taskList = Buffer.from(taskList);
    this.#shard = encodeInt(shard);
  }

  /** The parameters of a prepared batch of saves and completes, whose statement has the saves first. */
  encodeAll(mutations: readonly Mutation[]): unknown[] {
    const params: unknown[] = [];
    for (const mutation of mutations) if (isSave(mutation)) this.#append(mutation, params);
    for (const mutation of mutations) if (!isSave(mutation)) this.#append(mutation, params);
    return params;
  }

  encode(mutation: Mutation): Query {
    const params: unknown[] = [];
    return { query: this.#append(mutation, params), params };
  }

  /** Appends the parameters of the statement that it gives. */
  #append(mutation: Mutation, params: unknown[]): string {
    const statements = this.#statements;
    const [taskList, shard] = [this.#taskList, this.#shard];
    const at = this.#version.of(isSave(mutation) ? mutation.savedAt : mutation.at);
    switch (mutation.kind) {
      case "put-task": {
        const { id, body } = mutation;
        params.push(taskList, shard, this.#id.of(id), toBuffer(body), at);
        return statements.putTask;
      }
      case "put-entry":
        params.push(taskList, shard, at, this.#id.of(mutation.id), encodeInt(mutation.size), at);
        return statements.putEntry;
      case "delete-task":
        params.push(at, taskList, shard, this.#id.of(mutation.id));
        return statements.deleteTask;
      case "delete-entry":
        params.push(at, taskList, shard, this.#version.of(mutation.savedAt), this.#id.of(mutation.id));
        return statements.deleteEntry;
      case "delete-entries":
        params.push(at, taskList, shard, encodeVersion(mutation.after), encodeVersion(mutation.before));
        return statements.deleteEntries;
      case "put-sweep": {
        const ends = mutation.stretches.flatMap(({ after, before }) => [encodeVersion(after), encodeVersion(before)]);
        params.push(taskList, shard, at, ends, at);
        return statements.putSweep;
      }
    }
  }
}

function isSave(mutation: Mutation): mutation is Extract<Mutation, { kind: "put-task" | "put-entry" }> {
  return mutation.kind === "put-task" || mutation.kind === "put-entry";
}

/** Encodes a value again only when it differs from the last. */
class LastEncoded<T extends string | bigint> {
  readonly #encode: (value: T) => Buffer;
  #value: T | undefined;
  #bytes: Buffer = Buffer.alloc(0);

  constructor(encode: (value: T) => Buffer) {
    this.#encode = encode;
  }

  of(value: T): Buffer {
    if (value !== this.#value) {
      this.#bytes = this.#encode(value);
      this.#value = value;
    }
    return this.#bytes;
  }
}

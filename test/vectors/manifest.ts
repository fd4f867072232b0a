import type { TaskHash } from "taskledger";

/** What manifest.json holds: cases that every client of the protocol can be checked with. Bytes are in base64. */
export interface Manifest {
  readonly about: string;
  /** The task types that the reader knows. Data of others is opaque to it. */
  readonly types: readonly string[];
  readonly envelopes: readonly EnvelopeCase[];
  readonly hashes: readonly HashCase[];
  readonly refused: readonly RefusedCase[];
  readonly streams: readonly StreamCase[];
  readonly batches: readonly BatchCase[];
  readonly saves: readonly SaveCase[];
  readonly stored: readonly StoredCase[];
  readonly placements: readonly PlacementCase[];
}

/** An envelope that is read, and written again to the same bytes; likewise by way of the hash. */
export interface EnvelopeCase {
  readonly name: string;
  readonly binary: string;
  /** What every client writes for it. */
  readonly hash: TaskHash;
  readonly fields: EnvelopeFields;
}

export interface EnvelopeFields {
  readonly taskList: string;
  readonly id: string;
  readonly typeUrl: string;
  readonly type: string;
  readonly data: string;
  /** Whether the reader can't decode the data. */
  readonly isOpaque: boolean;
  /** Seconds and nanoseconds. */
  readonly createdAt: readonly [string, number] | null;
  /** In microseconds. */
  readonly version: string | null;
  readonly attempt: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A hash that is read, and that a client would write otherwise: its text, and the envelope that it means. */
export interface HashCase {
  readonly name: string;
  readonly text: string;
  readonly ignoreUnknownFields: boolean;
  readonly binary: string;
  /** The most bytes that the envelope may have. */
  readonly limit?: number;
}

/** Bytes or the text of a hash that a client refuses. */
export interface RefusedCase {
  readonly name: string;
  readonly binary?: string;
  readonly text?: string;
  /** The most bytes that an envelope may have. */
  readonly limit?: number;
  readonly code: string;
  /** Some libraries read it all the same: Java's takes a number for a text. */
  readonly mayBeRead?: boolean;
}

export interface StreamCase {
  readonly name: string;
  readonly stream: string;
  /** The whole frames in it. */
  readonly frames: readonly string[];
  /** Of what comes after them. */
  readonly error: "TRUNCATED" | "TOO_LARGE" | "INVALID_BATCH" | null;
}

/** A batch and the envelopes that it says the same as, or the code with which it is refused. */
export interface BatchCase {
  readonly name: string;
  readonly binary: string;
  readonly envelopes: readonly string[];
  readonly code: string | null;
}

/** An envelope that is to be saved: the body that a store keeps of it, or the code with which the save is refused. */
export interface SaveCase {
  readonly name: string;
  /** Bytes that every protobuf library reads. */
  readonly binary: string;
  /** The most bytes that an envelope may have. */
  readonly limit: number;
  readonly body: string | null;
  readonly code: string | null;
}

/** What a store holds under a key, and the envelope that a reader makes of it: a DamagedTask's if it is no such task. */
export interface StoredCase {
  readonly name: string;
  readonly taskList: string;
  readonly id: string;
  readonly version: string;
  readonly body: string;
  readonly envelope: string;
}

export interface PlacementCase {
  readonly id: string;
  readonly crc: number;
  /** By the number of shards. */
  readonly shards: Readonly<Record<string, number>>;
}

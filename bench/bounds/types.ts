import type { DescMessage } from "@bufbuild/protobuf";
import { isTaskError, type Task } from "taskledger";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { CopyFileTask, IndexCatalogueTask, TranscodeVideoTask } from "../../gen/example/v1/sizes_task.js";
import type { Input } from "./cost.js";

/** A task class, whatever its type. */
export interface AnyClass {
  readonly type: string;
  readonly schema: DescMessage;
  build(init: unknown): Task;
  fromBinary(bytes: Uint8Array): Task;
  fromHash(hash: unknown): Task;
}

export const usualClasses = [
  SendMailTask,
  FetchFileTask,
  CopyFileTask,
  TranscodeVideoTask,
  IndexCatalogueTask,
] as unknown as readonly AnyClass[];

/**
 * A field of every kind. Two bytes of input can stand for a message that takes a kilobyte when empty; this cost is that of
 * protobuf-es, and is compared with it.
 */
export const everyKind = EveryKindTask as unknown as AnyClass;

/** The length of the input for trying shapes, and for measuring the worst. */
export interface Lengths {
  readonly tried: number;
  /** The first length that is not too large: JSON may stand for more bytes than it has characters. */
  readonly measured: readonly number[];
}

export const usualLengths: Lengths = { tried: 100_000, measured: [1_000_000, 230_000, 100_000] };

/** For messages that take a kilobyte for two bytes. */
export const wideLengths: Lengths = { tried: 20_000, measured: [100_000, 20_000] };

/** Makes the longest input that is not too large. */
export function makeLongest<I extends Input>({ measured }: Lengths, make: (length: number) => I): I {
  for (const length of measured.slice(0, -1)) {
    const input = make(length);
    if (!isTaskError(input.work(), "TOO_LARGE")) return input;
  }
  return make(measured.at(-1) as number);
}

/** The result of reading: a task, or the error. */
export function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (isTaskError(error)) return error;
    throw error;
  }
}

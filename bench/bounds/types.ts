import type { DescMessage } from "@bufbuild/protobuf";
import { isTaskError, type Task } from "taskledger";
import { EveryKindTask } from "../../gen/example/v1/every_kind_task.js";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { SendMailTask } from "../../gen/example/v1/send_mail_task.js";
import { CopyFileTask, IndexCatalogueTask, TranscodeVideoTask } from "../../gen/example/v1/sizes_task.js";

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
 * A field of every kind. Two bytes stand for a message of it that takes a kilobyte when empty; what that costs is for
 * protobuf-es to say, and is measured against it.
 */
export const everyKind = EveryKindTask as unknown as AnyClass;

/** Largest first: of an envelope's greatest size, and less for what stands for more bytes than it has. */
export const LENGTHS: readonly number[] = [1_000_000, 230_000];

/** Of messages that take a kilobyte for two bytes. */
export const WIDE_LENGTHS: readonly number[] = [50_000];

/** What comes of reading: a task, or the error that says why not. */
export function outcomeOf(read: () => unknown): unknown {
  try {
    return read();
  } catch (error) {
    if (isTaskError(error)) return error;
    throw error;
  }
}

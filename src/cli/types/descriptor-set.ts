import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import { createFileRegistry, type FileRegistry, fromBinary, fromJsonString } from "@bufbuild/protobuf";
import { type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type CommandError, commandError, exitCodes } from "../command-error.js";

/** Maximum size of a decompressed set, in bytes: a small compressed file may become very large. */
const MAX_BYTES = 256 * 1024 * 1024;

/** Reads a FileDescriptorSet, as `buf build` and `protoc` write it: binary or JSON (.json), also compressed (.gz). */
export async function readDescriptorSet(path: string): Promise<FileRegistry> {
  const set = parse(path, await readFile(path));
  try {
    return createFileRegistry(set);
  } catch (error) {
    const missing = /Cannot find (\S+\.proto)/.exec((error as Error).message)?.[1];
    const text = `${path} lacks ${missing ?? "files"} that its files import`;
    throw invalid(text, "Make it without --exclude-imports (of protoc: with --include_imports):");
  }
}

function parse(path: string, bytes: Buffer): FileDescriptorSet {
  try {
    const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes;
    const isJson = /\.json(\.gz)?$/.test(path);
    const set = isJson
      ? fromJsonString(FileDescriptorSetSchema, plain.toString("utf8"), { ignoreUnknownFields: true })
      : fromBinary(FileDescriptorSetSchema, plain);
    // Any bytes may happen to be a message whose fields are all unknown.
    if (set.file.length === 0 || set.file.some(({ name }) => name === "")) throw new Error("no files");
    return set;
  } catch {
    throw invalid(`${path} is not a descriptor set`, "Make one:");
  }
}

function invalid(text: string, advice: string): CommandError {
  return commandError(exitCodes.usage, "INVALID_TYPES", text, `${advice}\nbuf build -o tasks.binpb`);
}

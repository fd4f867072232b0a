import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { create, fromBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, type FileDescriptorSet, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { createPlugin } from "../../src/plugin/plugin.js";
import { bufPath, repository } from "./tools.js";

/** .proto files by name; a string stands for one file, `example.proto`, with what every example starts with. */
export type Source = string | Record<string, string>;

export interface Generated {
  /** The generated files by name. */
  files: Record<string, string>;
  warnings: string[];
}

/** Users' imports of our .proto files resolve with this option. */
export const mapImports = "map_imports=taskledger/v1/:taskledger/gen";

/** Runs the plugin in this process. */
export async function generate(source: Source, parameter = `target=ts,${mapImports}`): Promise<Generated> {
  const files = toFiles(source);
  return runPlugin(await compile(files), Object.keys(files), parameter);
}

export function runPlugin(compiled: FileDescriptorSet, fileToGenerate: string[], parameter: string): Generated {
  const warnings: string[] = [];
  const plugin = createPlugin((text) => warnings.push(text));
  const request = create(CodeGeneratorRequestSchema, { fileToGenerate, protoFile: compiled.file, parameter });
  const files = plugin.run(request).file.map(({ name, content }) => [name, content] as const);
  return { files: Object.fromEntries(files), warnings };
}

const classOnly = `target=ts,codec=off,${mapImports}`;

/** The code of the one module with classes, line by line, without comments, imports and empty lines. */
export async function generateClass(source: Source, parameter = classOnly): Promise<string[]> {
  return code(only(await generate(source, parameter))).filter((line) => !line.startsWith("import "));
}

/** The import statements of the one module with classes. */
export async function generateImports(source: Source, parameter = classOnly): Promise<string[]> {
  return code(only(await generate(source, parameter))).filter((line) => line.startsWith("import "));
}

/** The code of the one module with codecs, in the same way; its imports come first. */
export async function generateCodec(source: Source, parameter?: string): Promise<string[]> {
  return code(only(await generate(source, parameter), "codec"));
}

/** The message of the error with which the plugin fails. */
export async function generateError(source: Source, parameter?: string): Promise<string> {
  const compiled = await compile(toFiles(source));
  try {
    runPlugin(compiled, Object.keys(toFiles(source)), parameter ?? `target=ts,${mapImports}`);
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("the plugin did not fail");
}

/** The content of the one module with classes, or with codecs. */
export function only({ files }: Generated, kind: "task" | "codec" = "task"): string {
  const [file, ...others] = Object.entries(files).filter(([name]) => name.includes(`_${kind}.`));
  if (file === undefined || others.length > 0) {
    throw new Error(`expected one module, got ${Object.keys(files).join(", ") || "none"}`);
  }
  return file[1];
}

function code(content: string): string[] {
  return content.split("\n").filter((line) => !/^\s*(\/\*|\*|\/\/|$)/.test(line));
}

export function toFiles(source: Source): Record<string, string> {
  if (typeof source !== "string") {
    return source;
  }
  const header = `syntax = "proto3"; package example.v1; import "taskledger/v1/options.proto";`;
  return { "example.proto": /^\s*(syntax|edition) =/.test(source) ? source : `${header}\n${source}` };
}

const compiled = new Map<string, Promise<FileDescriptorSet>>();

/** Compiles .proto files, which may import ours; the same ones once. */
export function compile(files: Record<string, string>): Promise<FileDescriptorSet> {
  const key = JSON.stringify(files);
  const result = compiled.get(key) ?? runBuf(files);
  compiled.set(key, result);
  return result;
}

async function runBuf(files: Record<string, string>): Promise<FileDescriptorSet> {
  const folder = await mkdtemp(join(tmpdir(), "taskledger-"));
  try {
    if (Object.values(files).some((content) => content.includes("taskledger/v1/"))) {
      await cp(join(repository, "proto/taskledger"), join(folder, "taskledger"), { recursive: true });
    }
    await writeFiles(folder, files);
    const build = await promisify(execFile)(bufPath, ["build", "-o", "-#format=binpb"], {
      cwd: folder,
      encoding: "buffer",
      maxBuffer: 2 ** 28,
    });
    return fromBinary(FileDescriptorSetSchema, build.stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function writeFiles(folder: string, files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
  }
}

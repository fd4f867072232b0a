import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { CodeGeneratorRequestSchema, CodeGeneratorResponseSchema } from "@bufbuild/protobuf/wkt";
import { compile, mapImports, writeFiles } from "../../test/plugin/generate.js";
import { binPath, repository } from "../../test/plugin/tools.js";
import { buildInto, runProgram } from "../package.js";
import type { Protos } from "./sources.js";

/** Folders for generated code; each run replaces the files of the last one. */
const folder = join(repository, ".cache/bench-generator");

/** A plugin as users run it, in a process of its own. */
export interface PluginProgram {
  readonly program: string;
  /** Its options. */
  readonly parameter: string;
}

/** protoc-gen-es and this package's plugin. */
export interface Plugins {
  readonly es: PluginProgram;
  readonly taskledger: PluginProgram;
}

/** Builds this package as it is published, without earlier generated code; returns its folder. */
export async function preparePackage(): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  return buildInto(folder);
}

export function pluginsOf(dist: string): Plugins {
  const parameter = `target=ts,import_extension=js,${mapImports}`;
  return {
    es: { program: binPath("protoc-gen-es"), parameter: `${parameter},erasable_syntax=true` },
    taskledger: { program: join(dist, "protoc-gen-taskledger.js"), parameter },
  };
}

/** The request that a compiler of .proto files sends to a plugin. */
export async function requestOf(protos: Protos, { parameter }: PluginProgram): Promise<Uint8Array> {
  const { file: protoFile } = await compile({ ...protos });
  const request = { fileToGenerate: Object.keys(protos), protoFile, parameter };
  return toBinary(CodeGeneratorRequestSchema, create(CodeGeneratorRequestSchema, request));
}

/** Generates the code of .proto files with both plugins, into a folder of that name. */
export async function generateInto(name: string, protos: Protos, plugins: Plugins): Promise<string> {
  const root = join(folder, name);
  for (const plugin of [plugins.es, plugins.taskledger]) {
    const response = await runProgram([plugin.program], await requestOf(protos, plugin));
    const { file, error } = fromBinary(CodeGeneratorResponseSchema, response);
    if (error) throw new Error(error);
    await writeFiles(root, Object.fromEntries(file.map(({ name: path, content }) => [`gen/${path}`, content])));
  }
  return root;
}

/** A TypeScript project of some of the files in a folder, checked as strictly as a user's. */
export async function writeProject(root: string, name: string, include: string, dist: string): Promise<string> {
  const file = join(root, name);
  const compilerOptions = {
    paths: {
      taskledger: [join(dist, "src/index.d.ts")],
      "taskledger/wire": [join(dist, "src/wire/index.d.ts")],
      "taskledger/gen/*": [join(dist, "gen/taskledger/*"), join(dist, "gen/*")],
    },
  };
  const config = { extends: join(repository, "tsconfig.json"), compilerOptions, include: [include], exclude: [] };
  await writeFiles(dirname(file), { [name]: JSON.stringify(config) });
  return file;
}

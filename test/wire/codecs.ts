import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createFileRegistry, type DescMessage } from "@bufbuild/protobuf";
import { build } from "esbuild";
import type { MessageCodec } from "taskledger/wire";
import { compile, mapImports, runPlugin, writeFiles } from "../plugin/generate.js";
import { repository } from "../plugin/tools.js";

/** A message with the codec that the plugin generates for it. */
export interface Subject {
  readonly schema: DescMessage;
  readonly codec: MessageCodec;
}

/** Generates codecs for the task types of these .proto files, and loads them. By the full names of their messages. */
export async function generateCodecs(protos: Record<string, string>): Promise<Map<string, Subject>> {
  const compiled = await compile(protos);
  const { files } = runPlugin(compiled, Object.keys(protos), `target=js,import_extension=js,${mapImports}`);
  const registry = createFileRegistry(compiled);
  const subjects = new Map<string, Subject>();
  for (const codec of await load(files)) {
    const schema = registry.getMessage(codec.typeName);
    if (schema) subjects.set(codec.typeName, { schema, codec });
  }
  return subjects;
}

/** Those of protos/. */
export async function generateSubjects(): Promise<Map<string, Subject>> {
  const folder = join(import.meta.dirname, "protos");
  const entries = (await readdir(folder)).map(async (name) => [name, await readFile(join(folder, name), "utf8")]);
  return generateCodecs(Object.fromEntries(await Promise.all(entries)));
}

async function load(files: Record<string, string>): Promise<MessageCodec[]> {
  await mkdir(join(repository, ".cache"), { recursive: true });
  const folder = await mkdtemp(join(repository, ".cache/codecs-"));
  try {
    await writeFiles(folder, files);
    const names = Object.keys(files).filter((name) => name.endsWith("_codec.js"));
    const outfile = join(folder, "codecs.mjs");
    await build({
      stdin: { contents: names.map((name) => `export * from "./${name}";`).join("\n"), resolveDir: folder },
      outfile,
      bundle: true,
      platform: "node",
      format: "esm",
      external: ["@bufbuild/*"],
      alias: { "taskledger/wire": join(repository, "src/wire/index.ts") },
    });
    const exported = Object.values<MessageCodec>(await import(pathToFileURL(outfile).href));
    return exported.filter((each) => typeof each === "object");
  } finally {
    await rm(folder, { recursive: true });
  }
}

// The program that the conformance suite asks: it reads requests from its input, and answers on its output. It does what
// a task's data goes through, in the binary format of proto3, and skips all else.
import { readdirSync, readFileSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { create, createFileRegistry, type DescMessage, fromBinary, toBinary } from "@bufbuild/protobuf";
import { decodeData, encodeData } from "../../src/data/data.js";
import { compile } from "../plugin/generate.js";
import { generateCodecs, type Subject } from "./codecs.js";

const folder = process.argv[2] as string;
const MESSAGE = "protobuf_test_messages.proto3.TestAllTypesProto3";
const [request, response] = await loadProtocol();
const subject = await loadSubject();
const PROTOBUF = 1;

for (let bytes = readPart(); bytes !== undefined; bytes = readPart()) {
  const answer = toBinary(
    response,
    create(response, { result: answerTo(fromBinary(request, bytes)) } as Record<string, unknown>),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(answer.length);
  writeSync(1, Buffer.concat([length, answer]));
}

// biome-ignore lint/suspicious/noExplicitAny: messages of schemas that are compiled here
function answerTo({ messageType, payload, requestedOutputFormat }: any): { case: string; value: unknown } {
  // The first request asks for the tests that are known to fail.
  if (messageType === "conformance.FailureSet") return { case: "protobufPayload", value: new Uint8Array() };
  if (messageType !== MESSAGE || payload.case !== "protobufPayload" || requestedOutputFormat !== PROTOBUF)
    return { case: "skipped", value: "only the binary format of proto3 is looked at" };
  const { schema, codec } = subject;
  try {
    const message = decodeData(schema, payload.value, codec);
    return { case: "protobufPayload", value: encodeData(schema, message, codec) };
  } catch (error) {
    return { case: "parseError", value: String(error) };
  }
}

async function loadProtocol(): Promise<[request: DescMessage, response: DescMessage]> {
  const source = readFileSync(join(folder, "conformance/conformance.proto"), "utf8");
  const registry = createFileRegistry(await compile({ "conformance.proto": source }));
  const messageOf = (name: string) => registry.getMessage(`conformance.${name}`) as DescMessage;
  return [messageOf("ConformanceRequest"), messageOf("ConformanceResponse")];
}

/** The message becomes a task type, which has a codec. */
async function loadSubject(): Promise<Subject> {
  const path = readdirSync(folder, { recursive: true }).find((name) =>
    String(name).endsWith("test_messages_proto3.proto"),
  );
  const source = readFileSync(join(folder, String(path)), "utf8");
  const task = source
    .replace("message TestAllTypesProto3 {", "$&\n  option (taskledger.v1.task) = {};")
    .replace(/^import /m, 'import "taskledger/v1/options.proto";\nimport ');
  const subjects = await generateCodecs({ "test_messages_proto3.proto": task });
  return subjects.get(MESSAGE) as Subject;
}

/** What has its length before it; undefined at the end. */
function readPart(): Uint8Array | undefined {
  const length = readBytes(4);
  return length && readBytes(length.readUInt32LE());
}

function readBytes(length: number): Buffer | undefined {
  const bytes = Buffer.alloc(length);
  for (let read = 0; read < length; ) {
    const more = readSync(0, bytes, read, length - read, null);
    if (more === 0) return undefined;
    read += more;
  }
  return bytes;
}

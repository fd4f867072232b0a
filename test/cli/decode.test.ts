import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { gzipSync } from "node:zlib";
import { encodeFrames, toBatch } from "taskledger";
import { describe, expect, test } from "vitest";
import { FetchFileTask } from "../../gen/example/v1/fetch_file_task.js";
import { runCommandLine } from "../../src/cli/program.js";
import { createOutput, processTerminal } from "../../src/cli/terminal.js";
import { temporaryFolder } from "../support/folders.js";
import { buildDescriptors } from "./descriptors.js";
import { recordsOf } from "./output-schema.js";
import { run } from "./process.js";

const folder = temporaryFolder();
const descriptors = buildDescriptors();
const some = ["a", "b", "c"].map((id) =>
  FetchFileTask.build({ taskList: "acme.com", id, filename: `${id}.txt`, size: 2n ** 60n }),
);
const [first] = some as [FetchFileTask];

const decode = (input: string | Uint8Array, ...args: string[]) =>
  run(["decode", "--types", descriptors, ...args], { input });
const idsOf = async (input: string | Uint8Array, ...args: string[]) =>
  recordsOf("task", await decode(input, "-o", "jsonl", ...args)).map(({ id }) => id);

describe("decode needs no store", () => {
  test("and reads a task, a batch, and a stream of frames", async () => {
    expect(await idsOf(first.toBinary())).toEqual(["a"]);
    expect(await idsOf(toBatch(some))).toEqual(["a", "b", "c"]);
    const frames: Uint8Array[] = [];
    for await (const frame of encodeFrames(some, { maxBatchTasks: 2 })) frames.push(frame);
    expect(await idsOf(Buffer.concat(frames))).toEqual(["a", "b", "c"]);
  });

  test("nor more than a pipe: lines of base64", async () => {
    const lines = some.map((task) => `${Buffer.from(task.toBinary()).toString("base64")}\n`).join("\n");
    expect(await idsOf(lines, "--base64")).toEqual(["a", "b", "c"]);
  });

  test("and prints data as JSON with @type first, and 64-bit numbers as texts", async () => {
    const file = join(folder, "task.bin");
    writeFileSync(file, first.toBinary());
    const { code, out, err } = await run(["decode", file, "--types", descriptors]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain('DATA\n{\n  "@type": "type.googleapis.com/example.v1.FetchFile"');
    expect(out).toContain('"size": "1152921504606846976"');
    expect(JSON.parse((await decode(toBatch(some), "--json")).out)).toHaveLength(3);
  });

  test("and without the type prints its name and the bytes", async () => {
    const [record] = recordsOf("task", await run(["decode", "-o", "jsonl"], { input: first.toBinary() }));
    expect(record).toMatchObject({ state: "opaque", data: { "@type": "type.googleapis.com/example.v1.FetchFile" } });
    expect(record?.data).toHaveProperty("@bytes");
  });

  test("fields that the type does not have here are named", async () => {
    const input = withData(Buffer.from([0xd8, 0x3e, 7])); // field 1003
    const [record] = recordsOf("task", await decode(input, "-o", "jsonl"));
    expect(record).toMatchObject({ state: "readable", unknownFields: ["1003"] });
  });

  test.each([
    ["nothing", ""],
    ["rubbish", "rubbish"],
    ["what is compressed", gzipSync("x")],
  ])("and refuses %s", async (_, input) => {
    const { code, out, err } = await decode(input);
    expect({ code, out }).toEqual({ code: 1, out: "" });
    expect(err).toContain("error[INVALID_INPUT]: the input is no task, no batch and no stream of frames");
    expect(err).toContain("--base64");
  });
});

test.each(["table", "json", "jsonl"])("decode prints %s no faster than it is read", async (format) => {
  const tasks = Array.from({ length: 2_000 }, (_, i) => FetchFileTask.build({ taskList: "l", id: `${i}` }));
  let longest = 0;
  const stream = new Writable({
    write(_chunk, _encoding, done) {
      longest = Math.max(longest, stream.writableLength);
      setImmediate(done);
    },
  });
  const terminal = {
    ...processTerminal(),
    out: createOutput(stream, {}),
    input: Readable.from([toBatch(tasks)]),
  };
  expect(await runCommandLine(["decode", "-o", format], terminal)).toBe(0);
  await once(stream.end(), "finish");
  expect(longest).toBeLessThan(2 * stream.writableHighWaterMark);
});

/** An envelope of `l/x` by hand, whose data has these bytes. */
function withData(value: Uint8Array): Uint8Array {
  const field = (number: number, bytes: Uint8Array) =>
    Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
  const any = Buffer.concat([field(1, Buffer.from("type.googleapis.com/example.v1.FetchFile")), field(2, value)]);
  return Buffer.concat([field(1, Buffer.from("l")), field(2, Buffer.from("x")), field(3, any)]);
}

describe("--types", () => {
  const at = (name: string) => join(folder, name);
  const withTypes = (...paths: string[]) =>
    run(["decode", "-o", "jsonl", ...paths.flatMap((path) => ["--types", path])], { input: first.toBinary() });

  test("takes descriptor sets as binary and as JSON, compressed or not, and several", async () => {
    const mail = buildDescriptors("mail.binpb", "--path", "proto/example/v1/send_mail.proto");
    for (const name of ["set.binpb", "set.json", "set.binpb.gz", "set.json.gz"]) {
      const built = buildDescriptors(name);
      for (const paths of [[built], [mail, built]])
        expect(recordsOf("task", await withTypes(...paths))).toMatchObject([{ state: "readable" }]);
    }
    expect(recordsOf("task", await withTypes(mail))).toMatchObject([{ state: "opaque" }]);
  });

  test.each([
    ["a text", "no descriptors"],
    ["an empty file", ""],
    ["a task", first.toBinary()],
    ["a broken gzip", Buffer.from([0x1f, 0x8b, 1, 2])],
  ])("refuses %s, and says how to make one", async (_, bytes) => {
    writeFileSync(at("wrong.binpb"), bytes);
    const { code, err } = await withTypes(at("wrong.binpb"));
    expect(code).toBe(2);
    expect(err).toBe(
      `error[INVALID_TYPES]: ${at("wrong.binpb")} is not a descriptor set\n  Make one:\n  buf build -o tasks.binpb\n`,
    );
  });

  test("refuses a set without the files that it imports, and says which option left them out", async () => {
    const { code, err } = await withTypes(buildDescriptors("lean.binpb", "--exclude-imports"));
    expect(code).toBe(2);
    expect(err).toMatch(
      /^error\[INVALID_TYPES\]: .*lean.binpb lacks .*\.proto that its files import\n {2}Make it without --exclude-imports/,
    );
  });

  test("refuses a file that is not there", async () => {
    const { code, err } = await withTypes(at("none.binpb"));
    expect(code).not.toBe(0);
    expect(err).toContain("none.binpb");
  });
});

import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { shardOf } from "../../src/adapters/cassandra/model/partition.js";

const document = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");

/** The rows of the table whose header begins so. */
function tableOf(header: string): string[][] {
  const [, table = ""] = document.split(`\n| ${header} |`);
  const rows = table.slice(table.indexOf("\n") + 1).split("\n\n", 1)[0] as string;
  const cells = (row: string) => row.slice(2, -2).split(" | ");
  return rows.split("\n").slice(1).map(cells);
}

const hex = (value: number) => `0x${value.toString(16).padStart(8, "0")}`;

test("the worked examples of placement are right", () => {
  const examples = tableOf("id");
  expect(examples).toHaveLength(10);
  for (const [id = "", ...rest] of examples) {
    const name = id.replaceAll("`", "");
    const crc = crc32(name);
    const product = Number((BigInt(crc) * 0x9e37_79b1n) & 0xffff_ffffn);
    const shards = [65_536, 8, 64].map((count) => String(shardOf(name, count)));
    expect(rest).toEqual([Buffer.from(name).toString("hex"), hex(crc), hex(product), ...shards]);
  }
});

test("the fields of the envelope are those of the .proto file", () => {
  const proto = readFileSync(new URL("../../proto/taskledger/v1/envelope.proto", import.meta.url), "utf8");
  const declared = [...proto.matchAll(/^ {2}(\S.*) (\w+) = (\d+);/gm)].map(([, type, name, number]) => [
    name,
    number,
    type,
  ]);
  const documented = tableOf("field").map(([name = "", number, type]) => [name.replaceAll("`", ""), number, type]);
  expect(documented).toEqual(declared);
});

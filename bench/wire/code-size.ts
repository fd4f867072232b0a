import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { transformSync } from "esbuild";
import { type Row, toRow } from "../row.js";
import { classes } from "./formats.js";

const root = resolve(import.meta.dirname, "../..");

/** The size that the generated code adds to a program. */
export async function* run(): AsyncGenerator<Row, void> {
  const file = "gen/example/v1/sizes_codec.ts";
  const source = readFileSync(join(root, file), "utf8");
  const fields = countFields();
  const note = `${file}, ${fields} fields`;
  const javaScript = transformSync(source, { loader: "ts" }).code;
  const minified = transformSync(source, { loader: "ts", minify: true }).code;
  yield toRow({ name: "emitted code", unit: "bytes a field", values: [javaScript.length / fields], note });
  yield toRow({ name: "emitted code, minified", unit: "bytes a field", values: [minified.length / fields], note });
}

/** The fields of all messages in the file. */
function countFields(): number {
  const { file } = classes.tiny.schema;
  const count = (messages: typeof file.messages): number =>
    messages.reduce((sum, { fields, nestedMessages }) => sum + fields.length + count(nestedMessages), 0);
  return count(file.messages);
}

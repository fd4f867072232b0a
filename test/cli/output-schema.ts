import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import schema from "../../docs/cli.schema.json" with { type: "json" };
import type { Finished } from "./process.js";

type Kind = Exclude<keyof (typeof schema)["$defs"], "version" | "time">;

const ajv = new Ajv2020({
  strict: false,
  formats: { "date-time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
}).addSchema(schema, "cli");

/** The records that a command prints as lines of JSON, each as the documented schema has it. */
export function recordsOf(kind: Kind, { out }: Pick<Finished, "out">): Record<string, unknown>[] {
  const records = out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  for (const record of records) {
    const validate = ajv.getSchema(`cli#/$defs/${kind}`);
    if (validate === undefined) throw new Error(`the schema has no ${kind}`);
    expect({ record, isValid: validate(record), errors: validate.errors }).toMatchObject({ isValid: true });
  }
  return records;
}

import { type Command, Option } from "commander";
import type { Format } from "../output/format.js";
import { duration, repeated } from "./values.js";

/** The options of all commands. */
export interface GlobalOptions {
  readonly store?: string;
  readonly passwordFile?: string;
  readonly types?: readonly string[];
  readonly config?: string;
  readonly output: Format;
  readonly headers: boolean;
  readonly quiet?: boolean;
  /** How long to wait for an answer of the store, in milliseconds. */
  readonly timeout: number;
}

export function addGlobalOptions(program: Command): void {
  program
    .option(
      "--store <url>",
      "the store: sqlite:PATH or cassandra://HOST,…/KEYSPACE?datacenter=NAME; by default TASKLEDGER_STORE",
    )
    .option("--password-file <file>", "a file that contains the store's password; by default TASKLEDGER_PASSWORD_FILE")
    .option("--types <file>", "a descriptor set with task types (buf build -o tasks.binpb); may be repeated", repeated)
    .option("--config <file>", "a module with settings; by default taskledger.config.mjs, if it exists")
    .addOption(
      new Option("-o, --output <format>", "how results are printed")
        .choices(["table", "json", "jsonl"])
        .default("table"),
    )
    .addOption(new Option("--json", "the same as -o json").implies({ output: "json" }))
    .option("--no-headers", "print tables without their first line")
    .option("-q, --quiet", "print neither progress nor notes")
    .addOption(
      new Option("--timeout <time>", "give up if the store does not answer within this time")
        .argParser(duration)
        .default(30_000, "30s"),
    );
}

/** The options of a command with those of all commands. */
export function optionsOf<T>(command: Command): T & GlobalOptions {
  return command.optsWithGlobals();
}

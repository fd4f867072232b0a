import { Argument, type Command, InvalidArgumentError } from "commander";
import { describeSchema, openStore, parseStoreUrl, type StoreSchema } from "../../store/index.js";
import { type CommandError, commandError, exitCodes } from "../command-error.js";
import { readConfig } from "../options/config.js";
import { type GlobalOptions, optionsOf } from "../options/global-options.js";
import { findStoreUrl } from "../options/store-url.js";
import { count, valueOption } from "../options/values.js";
import { examples } from "../output/help.js";
import { Patience } from "../patience.js";
import { checkFile } from "../store-session.js";
import { fromTaskError, isTaskError } from "../task-error.js";
import type { Terminal } from "../terminal.js";

interface SchemaOptions extends GlobalOptions {
  readonly shards?: number;
  readonly replication?: StoreSchema["replicas"];
  readonly severalDataCenters?: boolean;
}

type Action = "print" | "apply" | "check";

export function define(command: Command, terminal: Terminal): void {
  command
    .description(
      "Prints the statements that create a store's tables, creates missing tables, or checks existing ones. Nothing is ever" +
        " dropped or changed.",
    )
    .addArgument(new Argument("<action>", "what to do").choices(["print", "apply", "check"]))
    .addOption(
      valueOption(
        "--replication <factors>",
        "for a new Cassandra keyspace: the number of replicas, 3, or dc1=3,dc2=3",
        replication,
      ),
    )
    .addOption(
      valueOption("--shards <count>", "for a new Cassandra keyspace: partitions per list, a power of two", count),
    )
    .option("--several-data-centers", "for a new Cassandra keyspace: its clients are in several data centres")
    .addHelpText(
      "after",
      examples(
        "taskledger schema check",
        "taskledger schema apply --replication 3 --store 'cassandra://host/tasks?datacenter=dc1'",
      ),
    )
    .action((action: Action, _, self: Command) => schema(terminal, action, optionsOf<SchemaOptions>(self)));
}

async function schema(terminal: Terminal, action: Action, options: SchemaOptions): Promise<void> {
  const url = await urlOf(terminal, options);
  if (action === "print") terminal.out.write(await describeSchema(url, wantedSchema(url, options)));
  else if (action === "check") await check(terminal, url, options);
  else {
    await open(terminal, url, options, { createSchema: wantedSchema(url, options) });
    terminal.out.write("The schema is complete.\n");
  }
}

async function urlOf(terminal: Terminal, options: SchemaOptions): Promise<string> {
  const config = await readConfig(terminal.cwd, options.config);
  const url = await findStoreUrl(terminal, options, config);
  if (url !== undefined) return url;
  const advice = "Give --store or TASKLEDGER_STORE.";
  throw commandError(
    exitCodes.usage,
    "NO_STORE",
    `${config?.path} names the store by a function, not by a URL`,
    advice,
  );
}

async function check(terminal: Terminal, url: string, options: SchemaOptions): Promise<void> {
  checkFile(url);
  try {
    await open(terminal, url, options, { readOnly: true });
  } catch (error) {
    if (isTaskError(error) && error.code === "SCHEMA_MISMATCH")
      throw withExitCode(
        fromTaskError(error),
        "Create what is missing: taskledger schema apply\nYou have to change yourself what differs.",
      );
    throw error;
  }
  terminal.out.write("The store's schema is in order.\n");
}

function withExitCode({ problems }: CommandError, advice: string): CommandError {
  const [first] = problems;
  return commandError(exitCodes.checkFailed, first?.code ?? "", first?.text ?? "", advice);
}

async function open(
  terminal: Terminal,
  url: string,
  { timeout }: SchemaOptions,
  how: { readonly readOnly: true } | { readonly createSchema: StoreSchema },
): Promise<void> {
  const patience = new Patience(timeout, terminal.interrupted());
  try {
    const adapter = await openStore(url, { ...how, signal: patience.signal });
    await adapter.close();
  } finally {
    patience.end();
  }
}

/** Only Cassandra's keyspaces have replicas. */
function wantedSchema(url: string, { replication: replicas, shards, severalDataCenters }: SchemaOptions): StoreSchema {
  if (parseStoreUrl(url).kind !== "cassandra") return { replicas: 1 };
  if (replicas !== undefined) return { replicas, shards, severalDataCenters };
  const text = "the number of replicas of the keyspace is missing";
  throw commandError(
    exitCodes.usage,
    "NO_REPLICATION",
    text,
    "With three, one may fail: --replication 3\nOn a single node: --replication 1",
  );
}

function replication(text: string): StoreSchema["replicas"] {
  if (/^[1-9]\d?$/.test(text)) return Number(text);
  if (/^[^=,]+=[1-9]\d?(,[^=,]+=[1-9]\d?)*$/.test(text))
    return Object.fromEntries(
      text
        .split(",")
        .map((part) => part.split("="))
        .map(([name, factor]) => [name, Number(factor)]),
    );
  throw new InvalidArgumentError("Write 3, or dc1=3,dc2=3.");
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LedgerOptions } from "../../src/adapters/cassandra/arguments.js";
import type { CassandraConnectionOptions } from "../../src/adapters/cassandra/connect.js";
import type { WorkloadOptions } from "./workload.js";

const script = fileURLToPath(new URL("client.ts", import.meta.url));

/** The job of a client. */
export interface Orders {
  readonly name: string;
  /** The path of its log. */
  readonly directory: string;
  readonly seed: number;
  readonly connection: CassandraConnectionOptions;
  readonly ledger: LedgerOptions;
  readonly broken: string | undefined;
  readonly does: "write" | "read" | "audit";
  readonly workload: Omit<WorkloadOptions, "name">;
  /** The tasks that an audit looks for. */
  readonly keys: readonly (readonly [list: string, id: string])[];
}

export type ToClient =
  | { readonly orders: Orders }
  /** Milliseconds by which its clock is ahead from now on. */
  | { readonly clock: number }
  /** The bytes of a task, in base64. */
  | { readonly task: string }
  | { readonly end: true };

export type FromClient = { readonly task: string } | { readonly connected: true };

/** A client in its own process. */
export class ClientProcess {
  readonly name: string;
  /** Resolves when it has reached the store, or has ended before. */
  readonly connected: Promise<unknown>;
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;

  constructor(orders: Orders, onTask: (bytes: string) => void = () => undefined) {
    this.name = orders.name;
    const errors = openSync(join(orders.directory, `${orders.name}.err`), "a");
    this.#child = fork(script, { execArgv: ["--import", "tsx"], stdio: ["ignore", errors, errors, "ipc"] });
    this.#exit = once(this.#child, "exit");
    this.connected = Promise.race([once(this.#child, "message"), this.#exit]);
    this.#child.on("message", (message: FromClient) => {
      if ("task" in message) onTask(message.task);
    });
    this.#child.on("error", () => undefined);
    this.tell({ orders });
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  tell(message: ToClient): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** SIGSTOP and SIGCONT resolve at once; SIGKILL when it is dead. */
  async kill(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    this.#child.kill(signal);
    if (signal === "SIGKILL") await this.#exit;
  }

  /** Resolves when it has ended by itself, to whether it succeeded. */
  async ended(): Promise<boolean> {
    await this.#exit;
    return this.#child.exitCode === 0;
  }
}

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import type { Order } from "./order.js";
import type { Broker } from "./queues/broker.js";
import { SETTINGS, type Settings } from "./settings.js";

export type ProcessName = "api" | "worker" | "keeper";

export type Common = Omit<Settings, "name" | "version">;

/** The processes of the service, for the program that runs them. */
export class Service {
  readonly #common: Common;
  readonly #programOf: (name: ProcessName) => string;
  readonly #broker: Broker | undefined;
  readonly #processes: ServiceProcess[] = [];
  #started = 0;

  /** `programOf` returns the file of each program. The broker is the queue if that uses pipes. */
  constructor(common: Common, programOf: (name: ProcessName) => string, broker?: Broker) {
    this.#common = common;
    this.#programOf = programOf;
    this.#broker = broker;
  }

  /** Starts a process; resolves once it is ready. */
  async start(name: ProcessName, own: Partial<Settings> = {}): Promise<ServiceProcess> {
    const settings: Settings = { ...this.#common, version: 1, name: `${name} ${++this.#started}`, ...own };
    const child = fork(this.#programOf(name), {
      env: { ...process.env, [SETTINGS]: JSON.stringify(settings) },
      serialization: "advanced", // bytes are sent through the pipe without encoding
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#broker?.connect(child);
    const started = new ServiceProcess(settings.name, child, name === "api" ? "listening" : "ready");
    this.#processes.push(started);
    await started.isAtWork;
    return started;
  }

  /** Ends all remaining processes gracefully. */
  async end(): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.end()));
  }

  killAll(): void {
    for (const each of this.#processes) each.signal("SIGKILL");
  }
}

/** A message of a process about its state. */
interface PartMessage {
  readonly part?: "ready" | "listening";
  readonly port?: number;
}

/** One process of the service. */
export class ServiceProcess {
  readonly name: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Resolves once it is ready. */
  readonly isAtWork: Promise<void>;
  #port = 0;

  constructor(name: string, child: ChildProcess, sign: PartMessage["part"]) {
    this.name = name;
    this.#child = child;
    this.#ended = once(child, "exit");
    this.isAtWork = new Promise((resolve, reject) => {
      child.on("message", ({ part, port = 0 }: PartMessage) => {
        if (part !== sign) return;
        this.#port = port;
        resolve();
      });
      this.#ended.then(() => reject(new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`)));
    });
  }

  /** SIGKILL ends it at once, SIGSTOP stops it until SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    this.signal("SIGKILL");
    await this.#ended;
  }

  /** Lets it finish its current work. Throws if it does not end gracefully. */
  async end(): Promise<void> {
    if (this.#child.signalCode === "SIGKILL") return;
    if (this.#child.exitCode === null) this.signal("SIGTERM");
    await this.#ended;
    if (this.#child.exitCode !== 0) throw new Error(`${this.name} ended with ${this.#child.exitCode}`);
  }

  /** Sends a request to the API; throws if it fails. */
  async ask<T>(route: `${"GET" | "POST"} /${string}`, body?: Order | string): Promise<T> {
    const [method = "", path = ""] = route.split(" ");
    const text = typeof body === "object" ? JSON.stringify(body) : body;
    const response = await fetch(`http://127.0.0.1:${this.#port}${path}`, { method, ...(text && { body: text }) });
    if (!response.ok) throw new Error(`${route}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }
}

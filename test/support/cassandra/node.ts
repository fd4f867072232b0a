import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { CONF, fetchJars, findJava } from "./jars.js";
import { isFree } from "./ports.js";

const run = promisify(execFile);

export type CommitlogSync = "batch" | "group" | "periodic";
export type NodeSignal = "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT";

export interface NodeOptions {
  /** The address to listen on, for clients and for other nodes. */
  address: string;
  /** The directory of the node's data, cassandra.yaml and log. A node that is started again in it has its data. */
  dir: string;
  /** The addresses of the nodes through which to join; the first node of a cluster has its own. */
  seeds: readonly string[];
  /** The CQL port, the same for all nodes of a cluster. */
  port?: number;
  /** The port for connections between nodes, the same for all nodes of a cluster. */
  storagePort?: number;
  /** The name of its data centre. If one node of a cluster has it, all must. */
  dataCenter?: string | undefined;
  /** The port of 127.0.0.1 on which {@link CassandraNode.nodetool} reaches the node. */
  jmxPort?: number | undefined;
  /** The size of the Java heap. */
  heap?: string;
  /** When a write is acknowledged: see COMMITLOG_SYNC. */
  commitlogSync?: CommitlogSync;
  /** Further settings for cassandra.yaml. */
  settings?: Record<string, unknown>;
  /** Further options for Java. */
  jvmOptions?: readonly string[];
  /** Whether `dir` is removed when the test process ends without having stopped the node. */
  temporary?: boolean;
}

/**
 * `batch` and `group` acknowledge a write when it is on disk; with `periodic`, Cassandra's default, a node that is killed
 * loses its last acknowledged writes. `batch` syncs as soon as a write waits, and writes that arrive meanwhile share the next
 * sync; `group` syncs once per window, and every write waits for its end.
 */
const COMMITLOG_SYNC: Record<CommitlogSync, Record<string, string>> = {
  batch: { commitlog_sync: "batch" },
  group: { commitlog_sync: "group", commitlog_sync_group_window: "2ms" },
  periodic: { commitlog_sync: "periodic", commitlog_sync_period: "10000ms" },
};

/**
 * Ends the node with the test process, even if that is killed: the system then closes the pipe from which this script reads.
 * The kernel's own way (PR_SET_PDEATHSIG) works only on Linux, and depends on the thread that started the node; and Java can't
 * watch its own standard input. A line on the pipe means that the node has ended before.
 */
const WATCHDOG = `
  read -r line
  [ -z "$line" ] || exit 0
  kill -9 "$1"
  [ -z "$2" ] || { sleep 1; rm -rf "$2"; }
`;

const START_TIMEOUT = 180_000;
const STOP_TIMEOUT = 20_000;

/** Starts a node; resolves when it answers CQL, rejects with the end of its log. */
export async function startNode(options: NodeOptions): Promise<CassandraNode> {
  const node = new CassandraNode(options);
  await node.start();
  return node;
}

export class CassandraNode {
  readonly address: string;
  readonly port: number;
  readonly storagePort: number;
  readonly dir: string;
  private readonly options: NodeOptions;
  private child: ChildProcess | undefined;
  private logStart = 0;

  constructor(options: NodeOptions) {
    this.options = options;
    this.address = options.address;
    this.port = options.port ?? 9042;
    this.storagePort = options.storagePort ?? 7000;
    this.dir = resolve(options.dir);
  }

  get contactPoint(): string {
    return `${this.address}:${this.port}`;
  }

  get running(): boolean {
    return this.child !== undefined;
  }

  /** Starts the node, also after it was stopped or killed. */
  async start(): Promise<void> {
    if (this.child !== undefined) throw new Error(`the node on ${this.contactPoint} runs already`);
    await this.requireFreePorts();
    await this.writeConfiguration();
    await this.spawn();
    await this.answering();
  }

  /** Sends a signal. If it ends the node, waits for that; a node after SIGSTOP reacts to SIGTERM only after SIGCONT. */
  async kill(signal: NodeSignal): Promise<void> {
    const child = this.child;
    if (child === undefined) return;
    child.kill(signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT") return;
    child.ref();
    await once(child, "exit");
  }

  /** Ends the node gracefully, or by force if it does not react. */
  async stop(): Promise<void> {
    await this.kill("SIGCONT");
    const stopped = this.kill("SIGTERM");
    await Promise.race([stopped, sleep(STOP_TIMEOUT, undefined, { ref: false })]);
    await this.kill("SIGKILL");
  }

  /** Runs a command of `nodetool` on the node; returns its output. */
  async nodetool(...command: readonly string[]): Promise<string> {
    const { jmxPort } = this.options;
    if (jmxPort === undefined) throw new Error(`the node on ${this.contactPoint} was given no jmxPort`);
    // It writes a history of commands to the home directory.
    const java = [`@${join(CONF, "jvm.options")}`, `-Duser.home=${this.dir}`, "-cp", join(await fetchJars(), "*")];
    const tool = ["org.apache.cassandra.tools.NodeTool", "-p", String(jmxPort), ...command];
    const { stdout } = await run(await requireJava(), [...java, ...tool]);
    return stdout;
  }

  /** The node's log since it was last started. */
  async log(): Promise<string> {
    const bytes = await readFile(join(this.dir, "log"));
    return bytes.subarray(this.logStart).toString();
  }

  // A Cassandra that is running there already would answer instead of this node.
  private async requireFreePorts(): Promise<void> {
    for (const port of [this.port, this.storagePort]) {
      if (!(await isFree(this.address, port))) throw new Error(`port ${port} of ${this.address} is in use`);
    }
  }

  private async writeConfiguration(): Promise<void> {
    await mkdir(this.dir, { recursive: true });
    const common = await readFile(join(CONF, "cassandra.yaml"), "utf8");
    // JSON is YAML, and of duplicate keys the later one counts.
    const own = Object.entries(this.settings()).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
    await writeFile(join(this.dir, "cassandra.yaml"), common + own.join(""));
    const { dataCenter } = this.options;
    if (dataCenter !== undefined) await writeFile(this.rackFile, `dc=${dataCenter}\nrack=rack1\n`);
  }

  /** Whether clients must use TLS. */
  private get isEncrypted(): boolean {
    const { client_encryption_options } = (this.options.settings ?? {}) as { client_encryption_options?: object };
    return client_encryption_options !== undefined;
  }

  private get rackFile(): string {
    return join(this.dir, "cassandra-rackdc.properties");
  }

  private settings(): Record<string, unknown> {
    const seeds = this.options.seeds.map((seed) => `${seed}:${this.storagePort}`).join(",");
    return {
      listen_address: this.address,
      rpc_address: this.address,
      native_transport_port: this.port,
      storage_port: this.storagePort,
      seed_provider: [{ class_name: "org.apache.cassandra.locator.SimpleSeedProvider", parameters: [{ seeds }] }],
      ...(this.options.dataCenter !== undefined && { endpoint_snitch: "GossipingPropertyFileSnitch" }),
      ...COMMITLOG_SYNC[this.options.commitlogSync ?? "batch"],
      ...this.options.settings,
    };
  }

  private async spawn(): Promise<void> {
    const java = await requireJava();
    const jars = await fetchJars();
    const log = await open(join(this.dir, "log"), "a");
    try {
      this.logStart = (await log.stat()).size;
      // Its own process group, so that Ctrl-C reaches only the tests, which then stop the node.
      const child = spawn(java, this.javaArguments(jars), {
        stdio: ["ignore", log.fd, log.fd],
        detached: true,
      });
      await once(child, "spawn");
      this.child = child;
      this.watch(child);
    } finally {
      await log.close();
    }
  }

  private javaArguments(jars: string): string[] {
    const { dataCenter, jmxPort } = this.options;
    return [
      `@${join(CONF, "jvm.options")}`,
      `-Xmx${this.options.heap ?? "768m"}`,
      `-Dcassandra.config=${pathToFileURL(join(this.dir, "cassandra.yaml"))}`,
      `-Dcassandra.storagedir=${this.dir}`,
      `-Dlogback.configurationFile=${join(CONF, "logback.xml")}`,
      ...(dataCenter === undefined ? [] : [`-Dcassandra-rackdc.properties=${pathToFileURL(this.rackFile)}`]),
      ...(jmxPort === undefined ? [] : [`-Dcassandra.jmx.local.port=${jmxPort}`]),
      ...(this.options.jvmOptions ?? []),
      "-cp",
      join(jars, "*"),
      "org.apache.cassandra.service.CassandraDaemon",
    ];
  }

  private watch(child: ChildProcess): void {
    const remove = this.options.temporary ? this.dir : "";
    const watchdog = spawn("sh", ["-c", WATCHDOG, "watchdog", String(child.pid), remove], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    child.once("exit", () => {
      this.child = undefined;
      watchdog.stdin.end("ended\n");
    });
    // A test process that forgets a node still ends, and the node with it.
    child.unref();
    watchdog.unref();
    (watchdog.stdin as Socket).unref();
  }

  private async answering(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT;
    while (!(await answersCql(this.address, this.port, this.isEncrypted))) {
      if (this.child === undefined) throw new Error(await this.failure("ended while it started"));
      if (performance.now() > deadline) {
        await this.kill("SIGKILL");
        throw new Error(await this.failure(`did not answer within ${START_TIMEOUT / 1000} s`));
      }
      await sleep(50);
    }
  }

  private async failure(what: string): Promise<string> {
    const tail = (await this.log()).trimEnd().split("\n").slice(-30).join("\n");
    return `Cassandra on ${this.contactPoint} ${what}. The end of ${join(this.dir, "log")}:\n${tail}`;
  }
}

async function requireJava(): Promise<string> {
  const java = await findJava();
  if (java === undefined) throw new Error("Cassandra 5.0 needs Java 17, on PATH or by JAVA_HOME");
  return java;
}

// CQL's OPTIONS request (version 4, no flags, stream 0, opcode 5, empty body), which a server answers before any login.
const OPTIONS = Buffer.from([4, 0, 0, 0, 5, 0, 0, 0, 0]);
const SUPPORTED = 6;

function answersCql(host: string, port: number, isEncrypted: boolean): Promise<boolean> {
  return new Promise((done) => {
    const address = { host, port, timeout: 1_000 };
    const socket = isEncrypted ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address);
    const settle = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once(isEncrypted ? "secureConnect" : "connect", () => socket.write(OPTIONS));
    socket.once("data", (header) => settle(header[4] === SUPPORTED));
    socket.once("timeout", () => settle(false));
    socket.once("error", () => settle(false));
    socket.once("close", () => settle(false));
  });
}

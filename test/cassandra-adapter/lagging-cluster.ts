import driver, { type Client, type QueryOptions } from "cassandra-driver";
import { describedColumns } from "./empty-keyspace.js";

/** What `CREATE TABLE` and the like leave in a node, by its name. */
type Schema = ReadonlySet<string>;

interface Node {
  readonly address: string;
  schema: Schema;
}

export interface LaggingClusterOptions {
  /** After how many milliseconds the others learn of a change that a node made; Infinity for never. */
  readonly lag: number;
  /** Whether the client lets a statement go to a node of choice; an old one may not. */
  readonly heedsHost?: boolean;
  /** What the nodes' addresses begin with. */
  readonly subnet?: string;
  /** After how many milliseconds the others hear of the last node, which learns of no change that was made before. */
  readonly lastJoinsAfter?: number;
  /** An error to answer a statement with, whatever has come of it; undefined for none. */
  readonly fail?: (query: string) => Error | undefined;
}

const { errors, types } = driver;

/** A client of three nodes that takes turns between them, and of which each learns of changes by the others after a while. */
export class LaggingCluster {
  readonly nodes: Node[];
  /** The statements that it was given, each with its node's address. */
  readonly statements: string[] = [];
  /** What two nodes made, of which neither knew that the other had. */
  readonly madeTwice: string[] = [];
  readonly #options: LaggingClusterOptions;
  readonly #settings = new Map<string, string>();
  readonly #startedAt = performance.now();
  #turn = 0;

  constructor(options: LaggingClusterOptions) {
    this.#options = options;
    const { subnet = "10.0.0." } = options;
    this.nodes = [1, 2, 3].map((last) => ({ address: `${subnet}${last}:9042`, schema: new Set() }));
  }

  get client(): Client {
    const { heedsHost = true, fail } = this.#options;
    const execute = async (query: string, params: unknown[] = [], { host }: QueryOptions = {}) => {
      const node = heedsHost && host ? (host as unknown as Node) : (this.nodes[this.#turn++ % 3] as Node);
      this.statements.push(`${node.address} ${query}`);
      const rows = this.#answer(node, query, params);
      const error = fail?.(query);
      if (error) throw error;
      return { rows, info: {}, wasApplied: () => true, first: () => rows[0] };
    };
    const getState = () => ({ getConnectedHosts: () => this.#known });
    const hosts = { values: () => this.#known.map(({ address }) => ({ address, isUp: () => true })) };
    const getResolvedContactPoints = () => new Map(this.nodes.map((node) => [ipOf(node), [contactPointOf(node)]]));
    const controlConnection = { getResolvedContactPoints };
    return { connect: async () => undefined, execute, getState, hosts, controlConnection } as unknown as Client;
  }

  /** The nodes that each node has heard of, itself among them. */
  get #known(): readonly Node[] {
    const { lastJoinsAfter = 0 } = this.#options;
    return performance.now() - this.#startedAt < lastJoinsAfter ? this.nodes.slice(0, 2) : this.nodes;
  }

  #answer(node: Node, query: string, params: unknown[]): object[] {
    if (query.includes("system.peers"))
      return this.#known.map((node) => ({ rpc_address: ipOf(node), schema_version: versionOf(node.schema) }));
    const [, kind, name = ""] = /^CREATE (KEYSPACE|TABLE) IF NOT EXISTS ([\w".]+)/.exec(query) ?? [];
    if (kind) this.#change(node, kind === "TABLE" ? requireKeyspace(node, name) : name);
    if (query.includes("schema_version")) return [{ schema_version: versionOf(node.schema) }];
    if (query.includes("now()")) return [{ now: Date.now() }];
    if (query.includes("release_version")) return [{ release_version: "5.0.6" }];
    if (query.includes("data_center FROM")) return [{ data_center: "dc1" }];
    if (query.includes("system_schema.columns"))
      return describedColumns().filter(({ table_name }) => node.schema.has(`"ks".${table_name}`));
    if (!query.includes(".settings")) return [];
    requireTable(node, '"ks".settings');
    if (query.startsWith("INSERT")) this.#settings.set(String(params[0]), String(params[1]));
    return [...this.#settings].map(([name, value]) => ({ name, value }));
  }

  #change(node: Node, name: string): void {
    if (node.schema.has(name)) return;
    if (this.nodes.some(({ schema }) => schema.has(name))) this.madeTwice.push(name);
    node.schema = new Set([...node.schema, name]);
    const { lag } = this.#options;
    if (lag === Infinity) return;
    const told = this.#known;
    setTimeout(() => {
      for (const other of told) other.schema = new Set([...other.schema, name]);
    }, lag);
  }
}

function ipOf({ address }: Node): string {
  return address.slice(0, address.lastIndexOf(":"));
}

/** The driver writes an IPv6 address in brackets where it is a contact point's, and only there. */
function contactPointOf(node: Node): string {
  const ip = ipOf(node);
  return ip.includes(":") ? `[${ip}]:9042` : node.address;
}

function versionOf(schema: Schema): string {
  return [...schema].sort().join();
}

function requireKeyspace({ schema }: Node, table: string): string {
  if (!schema.has('"ks"'))
    throw new errors.ResponseError(types.responseErrorCodes.invalid, "Keyspace 'ks' doesn't exist");
  return table;
}

function requireTable({ schema }: Node, table: string): void {
  if (!schema.has(table))
    throw new errors.ResponseError(types.responseErrorCodes.invalid, "table settings does not exist");
}

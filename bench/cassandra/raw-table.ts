import { type Client, concurrent, type QueryOptions } from "cassandra-driver";

/**
 * The baseline: the driver alone, with one partition per list, clustered by id. Statements are prepared, and consistency is
 * LOCAL_QUORUM.
 */
export class RawTable {
  readonly #client: Client;
  readonly #insert: string;
  readonly #delete: string;
  readonly #select: string;
  readonly #selectAll: string;

  private constructor(client: Client, table: string) {
    this.#client = client;
    this.#insert = `INSERT INTO ${table} (task_list, id, envelope) VALUES (?, ?, ?)`;
    this.#delete = `DELETE FROM ${table} WHERE task_list = ? AND id = ?`;
    this.#select = `SELECT envelope FROM ${table} WHERE task_list = ? AND id = ?`;
    this.#selectAll = `SELECT envelope FROM ${table} WHERE task_list = ?`;
  }

  static async create(client: Client, keyspace: string): Promise<RawTable> {
    const table = `${keyspace}.tasks`;
    const ddl = [
      `CREATE KEYSPACE ${keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
      `CREATE TABLE ${table} (task_list text, id text, envelope blob, PRIMARY KEY (task_list, id)) ` +
        "WITH compaction = {'class': 'UnifiedCompactionStrategy'}",
    ];
    for (const statement of ddl) await client.execute(statement, [], { prepare: false });
    return new RawTable(client, table);
  }

  save(taskList: string, id: string, envelope: Buffer): Promise<unknown> {
    return this.#client.execute(this.#insert, [taskList, id, envelope]);
  }

  complete(taskList: string, id: string): Promise<unknown> {
    return this.#client.execute(this.#delete, [taskList, id]);
  }

  /** In one unlogged batch. */
  async saveBatch(taskList: string, tasks: readonly (readonly [id: string, envelope: Buffer])[]): Promise<void> {
    await this.#batch(tasks.map((task) => ({ query: this.#insert, params: [taskList, ...task] })));
  }

  /** In one unlogged batch. */
  async completeBatch(taskList: string, ids: readonly string[]): Promise<void> {
    await this.#batch(ids.map((id) => ({ query: this.#delete, params: [taskList, id] })));
  }

  async #batch(queries: { query: string; params: unknown[] }[]): Promise<void> {
    await this.#client.batch(queries, { prepare: true, logged: false });
  }

  async find(taskList: string, id: string): Promise<Buffer | undefined> {
    const { rows } = await this.#client.execute(this.#select, [taskList, id]);
    return rows[0]?.envelope;
  }

  /** By the driver's own function for many operations, with the concurrency as an option. */
  async saveAll(parameters: readonly unknown[][], concurrencyLevel: number): Promise<void> {
    await concurrent.executeConcurrent(this.#client, this.#insert, parameters as unknown[][], { concurrencyLevel });
  }

  /** A list's envelopes, a page at a time; not with the driver's iterator, which stops at an empty page. */
  async *all(taskList: string, fetchSize: number): AsyncGenerator<Buffer[], void> {
    let pageState: string | undefined;
    do {
      const options: QueryOptions = {
        fetchSize,
        autoPage: false,
        readTimeout: 60_000,
        ...(pageState && { pageState }),
      };
      const result = await this.#client.execute(this.#selectAll, [taskList], options);
      yield result.rows.map((row) => row.envelope as Buffer);
      pageState = result.pageState ?? undefined;
    } while (pageState);
  }
}

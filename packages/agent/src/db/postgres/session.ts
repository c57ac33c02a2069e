import type { Client } from 'pg';
import type { SqlParams } from '../query.ts';
import type { ServerIdentity } from './connect.ts';
import { isConnectionLost } from './failure.ts';
import { positional } from './positional.ts';

export type PostgresResult<Row> = { readonly rows: readonly Row[]; readonly count: number };

/** Runs one statement with `:named` parameters. */
export type PostgresRun = <Row = Readonly<Record<string, unknown>>>(sql: string, params?: SqlParams) => Promise<PostgresResult<Row>>;

/** The connection was lost while COMMIT was under way: done or not, nobody here knows. Read it back. */
export class CommitUnknown extends Error {
  override readonly name = 'CommitUnknown';
}

export type Connect = () => Promise<{ client: Client; server: ServerIdentity }>;

/**
 * One connection and its transactions, one after the other. A lost connection is opened again by the next transaction; what was
 * under way fails.
 */
export class PostgresSession {
  readonly #connect: Connect;
  #open: { client: Client; server: ServerIdentity } | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;
  #generation = 0;

  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** Grows with each connection that was opened. */
  get generation(): number {
    return this.#generation;
  }

  /** What the server was when the connection was opened. */
  get server(): ServerIdentity | undefined {
    return this.#open?.server;
  }

  /**
   * Runs `work` in a READ COMMITTED transaction. What it throws rolls everything back.
   * @throws CommitUnknown when the connection was lost while the server committed
   */
  transaction<T>(work: (run: PostgresRun) => Promise<T>): Promise<T> {
    return this.#inTurn(async (run) => {
      await run('BEGIN');
      let result: T;
      try {
        result = await work(run);
      } catch (error) {
        await run('ROLLBACK').catch(() => this.#drop());
        throw error;
      }
      try {
        await run('COMMIT');
      } catch (error) {
        if (!isConnectionLost(error)) throw error;
        throw new CommitUnknown('the connection was lost during COMMIT', { cause: error });
      }
      return result;
    });
  }

  /** One statement, a transaction of its own. */
  run<Row = Readonly<Record<string, unknown>>>(sql: string, params: SqlParams = {}): Promise<PostgresResult<Row>> {
    return this.#inTurn((run) => run<Row>(sql, params));
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#turn.catch(() => undefined);
    await this.#open?.client.end().catch(() => undefined);
    this.#open = undefined;
  }

  #inTurn<T>(work: (run: PostgresRun) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(
      () => this.#with(work),
      () => this.#with(work),
    );
    this.#turn = mine;
    return mine;
  }

  async #with<T>(work: (run: PostgresRun) => Promise<T>): Promise<T> {
    if (this.#closed) throw new Error('this session is closed');
    if (this.#open === undefined) {
      this.#open = await this.#connect();
      this.#generation += 1;
    }
    const { client } = this.#open;
    const run: PostgresRun = async (sql, params = {}) => {
      try {
        return await runOn(client, sql, params);
      } catch (error) {
        if (isConnectionLost(error)) this.#drop();
        throw error;
      }
    };
    return await work(run);
  }

  /** Ends the connection without a good-bye that could hang. */
  #drop(): void {
    const client = this.#open?.client;
    this.#open = undefined;
    if (client !== undefined) destroy(client);
  }
}

/** One statement on a client, prepared once per connection. */
export async function runOn<Row>(client: Pick<Client, 'query'>, sql: string, params: SqlParams): Promise<PostgresResult<Row>> {
  const { name, text, values } = positional(sql, params);
  const prepared = Object.keys(params).length > 0 ? { name } : {};
  const result = await client.query<Record<string, unknown>>({ ...prepared, text, values: [...values] });
  return { rows: result.rows as Row[], count: result.rowCount ?? 0 };
}

/** Takes the socket away: a half-open connection answers no good-bye. */
function destroy(client: Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy?: () => void } } };
  connection?.stream?.destroy?.();
}

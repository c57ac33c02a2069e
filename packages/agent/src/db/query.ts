/** Values SQL takes and gives back; bigint never appears because ids stay far below 2^53. */
export type SqlValue = string | number | null | Uint8Array;
export type SqlParams = Readonly<Record<string, SqlValue>>;

export type Dialect = 'sqlite' | 'postgres';

/** One text for both databases, or, where they have no words in common, one for each. */
export type SqlText = string | Readonly<Record<Dialect, string>>;

export function textFor(dialect: Dialect, sql: SqlText): string {
  return typeof sql === 'string' ? sql : sql[dialect];
}

/** A read, as data: text, parameters and (in the type only) the shape of its rows. */
export type Query<Row> = { readonly name: string; readonly sql: SqlText; readonly params: SqlParams; readonly row?: Row };

type Rows<Q> = Q extends Query<infer Row> ? Row[] : never;
export type QueryRows<Q extends readonly Query<unknown>[]> = { -readonly [K in keyof Q]: Rows<Q[K]> };

/**
 * Names a portable query with `:named` parameters.
 *
 * @example const runById = query<{ run_id: string }, RunRow>('run by id', 'SELECT * FROM run WHERE run_id = :run_id');
 *          const [[run]] = await database.read([runById({ run_id })]);
 */
export function query<Params extends SqlParams, Row>(name: string, sql: SqlText): (params: Params) => Query<Row> {
  return (params) => ({ name, sql, params });
}

/** A statement over the members of a parameter that is a JSON array of text. @example listed('ids', (ids) => `... WHERE id IN (${ids})`) */
export function listed(parameter: string, statement: (members: string) => string): SqlText {
  return {
    sqlite: statement(`SELECT value FROM json_each(:${parameter})`),
    postgres: statement(`SELECT value FROM json_array_elements_text(CAST(:${parameter} AS json))`),
  };
}

/**
 * A parameter the planner cannot peek at. SQLite with STAT4 compares bare parameters while it plans an ORDER BY, a LEFT JOIN or a
 * max(), and then compiles the statement anew each time one is bound, which costs four times what running it does. For hot queries.
 */
export function opaque(parameter: string): string {
  return `CAST(:${parameter} AS TEXT)`;
}

/** One statement of the write path: its guard stands in the predicate, `changes` says how many rows prove that it held. */
export type WriteSql = {
  readonly sql: SqlText;
  /** Rows that must change; `row` for a SELECT that must find one; `any` for writes without a guard. */
  readonly changes: number | 'row' | 'any';
  /** What the caller is told when the guard did not hold. */
  readonly guard: string;
};

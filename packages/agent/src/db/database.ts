import type { Query, QueryRows } from './query.ts';

/**
 * The read port. All queries of one call see the same snapshot of the database: on SQLite one read transaction on a connection
 * that cannot write, on PostgreSQL one REPEATABLE READ READ ONLY transaction.
 */
export type Database = {
  read<const Q extends readonly Query<unknown>[]>(queries: Q): Promise<QueryRows<Q>>;
};

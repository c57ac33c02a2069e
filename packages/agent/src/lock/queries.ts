import { query } from '../db/index.ts';

export type LockRow = {
  lock_key: string;
  fence: number;
  holder: string | null;
  acquired_at: string | null;
  expires_at: string | null;
};

export const lockByKey = query<{ lock_key: string }, LockRow>(
  'lock by key',
  'SELECT lock_key, fence, holder, acquired_at, expires_at FROM lock WHERE lock_key = :lock_key',
);
/** Held ones; with `all` those too that were held once. */
export const locks = query<{ all: number; after: string; limit: number }, LockRow>(
  'locks',
  `SELECT lock_key, fence, holder, acquired_at, expires_at FROM lock
   WHERE (:all = 1 OR holder IS NOT NULL) AND lock_key > :after ORDER BY lock_key LIMIT :limit`,
);

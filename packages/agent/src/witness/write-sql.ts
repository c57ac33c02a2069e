import type { WitnessWrites } from '@govctl/core/evidence';
import type { WriteSql } from '../db/index.ts';

/** One statement per write about witnesses. */
export const witnessWriteSql: Record<keyof WitnessWrites, WriteSql> = {
  'witness.cosign': {
    sql: `INSERT INTO log_cosignature (size, witness, line, cosigned_at) VALUES (:size, :witness, :line, :cosigned_at) ON CONFLICT DO NOTHING`,
    changes: 'any',
    guard: 'none',
  },
  'witness.hear': {
    sql: `INSERT INTO log_witness (witness, size, line, cosigned_at) VALUES (:witness, :size, :line, :cosigned_at)
          ON CONFLICT (witness) DO UPDATE SET size = excluded.size, line = excluded.line, cosigned_at = excluded.cosigned_at
          WHERE log_witness.size <= excluded.size`,
    changes: 'any',
    guard: 'none',
  },
  'witness.quorum': {
    sql: `INSERT INTO log_witnessed (size, quorum, witnessed_at) VALUES (:size, :quorum, :witnessed_at) ON CONFLICT DO NOTHING`,
    changes: 'any',
    guard: 'none',
  },
};

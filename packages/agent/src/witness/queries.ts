import { type Database, query } from '../db/index.ts';

export const witnessWords = query<Record<string, never>, { witness: string; size: number; line: string; cosigned_at: string }>(
  'witness words',
  'SELECT witness, size, line, cosigned_at FROM log_witness ORDER BY witness',
);

const cosignatureLines = query<{ size: number }, { line: string; newest: string | null }>(
  'cosignatures of a tree',
  `SELECT c.line, w.line AS newest FROM log_cosignature c LEFT JOIN log_witness w ON w.witness = c.witness AND w.size = c.size
   WHERE c.size = :size ORDER BY c.witness`,
);

export const witnessesOfTree = query<{ size: number }, { witness: string }>(
  'witnesses of a tree',
  'SELECT witness FROM log_cosignature WHERE size = :size',
);

/** The largest tree that a quorum cosigned. */
export const newestWitnessed = query<Record<string, never>, { size: number; root: Uint8Array; witnessed_at: string }>(
  'newest witnessed head',
  `SELECT h.size, h.root, w.witnessed_at FROM log_witnessed w JOIN log_head h ON h.size = w.size ORDER BY w.size DESC LIMIT 1`,
);

/** Runs that moved their pointer, and are not complete: of them, those that wait for witnesses say so in their state. */
export const incompleteRuns = query<{ witnessed: number; limit: number }, { run_id: string; leaf_index: number }>(
  'runs that wait for witnesses',
  `SELECT r.run_id, e.leaf_index FROM run r JOIN record e ON e.ref = r.evidence_ref
   WHERE r.phase NOT IN ('COMPLETED', 'FAILED') AND r.phase = 'FINALIZING' AND r.status = 'incomplete' AND e.leaf_index < :witnessed
   ORDER BY e.leaf_index LIMIT :limit`,
);

/**
 * A checkpoint with what witnesses said of it. `first`: their first words, which never change, for evidence that has to be the same bytes
 * every time; `newest`: their last, which show that the view is not frozen.
 */
export async function withCosignatures(database: Database, note: string, size: number, which: 'first' | 'newest'): Promise<string> {
  const [rows] = await database.read([cosignatureLines({ size })]);
  return note + rows.map(({ line, newest }) => (which === 'newest' ? (newest ?? line) : line)).join('');
}

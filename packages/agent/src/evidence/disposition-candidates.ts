import type { DisposedRecord } from '@govctl/core/evidence';
import { disposableKinds, disposableUnder, type RetentionRule } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { type CandidateRow, datasetsOnHold, dispositionCandidates, refsInUse, runsInUse } from './disposition-queries.ts';
import { committedHead } from './log-state.ts';

/** A record past its time, the rule that says so, and what keeps it in spite of that. */
export type Candidate = {
  readonly record: DisposedRecord & Pick<CandidateRow, 'tenant_id' | 'dataset_id'>;
  readonly rule: RetentionRule;
  readonly kept: 'held' | 'in_use' | null;
};

/** Leaves looked through in one go; between two of them everybody else gets a turn. */
const lookThrough = 5_000;

/** Every record that is past its time, in the order of the log. */
export async function* disposableRecords(database: Database, rules: readonly RetentionRule[], now: string): AsyncGenerator<Candidate> {
  const [runs, refs, holds] = await database.read([runsInUse({}), refsInUse({ now }), datasetsOnHold({})]);
  const usedRuns = new Set(runs.map(({ run_id }) => run_id));
  const usedRefs = new Set(refs.map(({ ref }) => ref));
  const held = new Set(holds.map(keyOf));
  const { size } = await committedHead(database);
  const kinds = JSON.stringify(disposableKinds.filter((kind) => rules.some((rule) => rule.kinds.includes(kind))));
  for (let floor = 0; floor < size; floor += lookThrough) {
    const [rows] = await database.read([dispositionCandidates({ floor, end: Math.min(size, floor + lookThrough), kinds })]);
    for (const record of rows) {
      const rule = disposableUnder(rules, record, now);
      if (rule === undefined) continue;
      const inUse = usedRefs.has(record.ref) || (record.run_id !== null && usedRuns.has(record.run_id));
      yield { record, rule, kept: record.dataset_id !== null && held.has(keyOf(record)) ? 'held' : inUse ? 'in_use' : null };
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const keyOf = ({ tenant_id, dataset_id }: { readonly tenant_id: string; readonly dataset_id: string | null }) =>
  JSON.stringify([tenant_id, dataset_id]);

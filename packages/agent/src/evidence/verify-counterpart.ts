import type { Statement } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import { type LogVerifyProgress, type LogWalk, progressOf, type Tell, turn } from './log-finding.ts';
import * as stored from './verify-log-queries.ts';

/** A promotion record of the log. */
export type Promotion = {
  readonly ref: string;
  readonly subject: string;
  readonly predicate: Extract<Statement, { kind: 'promotion' }>['predicate'];
};

/** From the log to the tables: each promotion record has its pointer move, and both say the same. */
export async function comparePromotions(database: Database, promotions: readonly Promotion[], tell: Tell): Promise<void> {
  if (promotions.length === 0) return;
  const keys = promotions.map(({ predicate }, place) => [
    place,
    predicate.tenant_id,
    predicate.dataset_id,
    predicate.to_layer,
    predicate.generation,
  ]);
  const [rows] = await database.read([stored.pointersOfLeaves({ keys: JSON.stringify(keys) })]);
  const pointers = new Map(rows.map((row) => [row.place, row]));
  promotions.forEach(({ ref, subject, predicate }, place) => {
    const pointer = pointers.get(place);
    if (pointer === undefined || pointer.run_id !== predicate.run_id) {
      tell('promotion', subject, `no pointer move of run ${predicate.run_id ?? '?'} to generation ${predicate.generation} exists`);
      return;
    }
    if (pointer.evidence_ref !== ref) tell('promotion', subject, `run ${pointer.run_id} names another record as its promotion`);
    const columns = ['snapshot_id', 'snapshot_hash', 'decision_ref', 'fence'] as const;
    const differs = columns.filter((column) => pointer[column] !== predicate[column]);
    if (differs.length > 0) tell('promotion', subject, `the pointer says otherwise than the record: ${differs.join(', ')}`);
  });
}

const rowsOfSlice = 500;

/** From the tables to the log: each pointer move and each run has the records it names. */
export async function* compareTables(walk: LogWalk): AsyncGenerator<LogVerifyProgress, void> {
  const { database, signal } = walk;
  const { tell, checked } = walk.found;
  let place: stored.PointerPlace = { tenant_id: '', dataset_id: '', layer: '', generation: 0 };
  for (;;) {
    const { tenant_id, dataset_id, layer, generation } = place;
    const [rows] = await database.read([stored.pointerPage({ tenant_id, dataset_id, layer, generation, limit: rowsOfSlice })]);
    for (const row of rows) {
      const subject = `${row.tenant_id}/${row.dataset_id}/${row.layer}@${row.generation}`;
      if (row.promotion === null) tell('pointer', subject, `run ${row.run_id} has no promotion record in the log`);
      if (row.decision === null) tell('pointer', subject, 'its decision is not in the log');
    }
    checked.pointers += rows.length;
    yield progressOf(walk, 'pointers');
    await turn(signal);
    place = rows.at(-1) ?? place;
    if (rows.length < rowsOfSlice) break;
  }
  let after = '';
  for (;;) {
    const [rows] = await database.read([stored.runPage({ after, limit: rowsOfSlice })]);
    for (const { run_id, lacks } of rows)
      if (lacks !== null) tell('run', `run ${run_id}`, `it names the record ${lacks}, which is not in the log`);
    checked.runs += rows.length;
    yield progressOf(walk, 'runs');
    await turn(signal);
    after = rows.at(-1)?.run_id ?? after;
    if (rows.length < rowsOfSlice) break;
  }
}

const levels = JSON.stringify(Array.from({ length: 52 }, (_, at) => at + 1));

/** Rows that belong to no leaf. */
export async function noStrays(database: Database, tell: Tell): Promise<void> {
  const [[stray], nodes] = await database.read([stored.strayRows({}), stored.strayNodes({ levels })]);
  if (stray !== undefined && stray.records + stray.payloads + stray.facts > 0)
    tell('index', 'rows beside the log', `${stray.records} records, ${stray.payloads} payloads, ${stray.facts} facts belong to no leaf`);
  for (const { level, node_index } of nodes) tell('node', `node ${level}/${node_index}`, 'the tree has no such node');
}

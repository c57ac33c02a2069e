import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { applyContract, compilePack, policyRevOf, readContract } from '@govctl/core/policy';
import type { Client } from 'pg';
import { openSqlite } from '../../packages/agent/src/db/index.ts';
import type { BenchDaemon } from './daemon.ts';
import type { Lab } from './measurement.ts';

const checks = ['not_null_orders_id', 'unique_orders_id'];
/** How many datasets there are. */
export const datasets = 64;

type Statement = readonly [sql: string, ...values: (string | number)[]];

/** Datasets with a contract, a snapshot and its quality results, so that every promotion from RAW to GDP is allowed: written at once. */
export function governDatasets(lab: Lab, state: string): void {
  const handle = openSqlite(join(state, 'govd.db'));
  try {
    handle.transaction(() => {
      for (const [sql, ...values] of datasetRows(lab)) handle.prepare(sql).run(...values);
    })();
  } finally {
    handle.close();
  }
}

/** The same on PostgreSQL, over a connection that finds the schema. */
export async function governPostgres(lab: Lab, client: Client): Promise<void> {
  await client.query('BEGIN');
  for (const [sql, ...values] of datasetRows(lab)) {
    let place = 0;
    await client.query(
      sql.replaceAll('?', () => `$${++place}`),
      values,
    );
  }
  await client.query('COMMIT');
}

function datasetRows(lab: Lab): Statement[] {
  const statements: Statement[] = [];
  const write = (...statement: Statement) => void statements.push(statement);
  const now = new Date().toISOString();
  const source = readFileSync(join(lab.root, 'fixtures/policy/gdp-default.yaml'), 'utf8');
  const pack = compilePack(source);
  const ref = { name: pack.name, version: pack.version, digest: pack.digest };
  write('INSERT INTO policy_pack VALUES (?, ?, ?, ?, ?)', ref.digest, ref.name, ref.version, source, now);
  write('INSERT INTO policy_activation VALUES (1, ?, ?, ?, ?)', policyRevOf([ref]), JSON.stringify([ref]), now, 'HUMAN::bench');
  const results = JSON.stringify(checks.map((name) => ({ name, status: 'passed', severity: 'error', ran_at: now, message: null })));
  for (let place = 0; place < datasets; place += 1) {
    const dataset = `orders-${place}`;
    const file = readContract(`apiVersion: govctl/v1
kind: Contract
contract_id: ${dataset}
dataset_id: ${dataset}
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [${ref.name}]
required_checks: [${checks.join(', ')}]
min_quality_score: 0.95
max_evidence_age: 24h
requires_coverage: false
`);
    if (file.value === undefined) throw new Error(JSON.stringify(file.problems));
    const applied = applyContract(file.value, { active: [ref], signer_keys: [] });
    if (!applied.ok) throw new Error(JSON.stringify(applied.problems));
    write(
      'INSERT INTO contract VALUES (?, 1, ?, ?, ?, ?, ?, ?)',
      dataset,
      'default',
      dataset,
      applied.digest,
      JSON.stringify(applied.contract),
      now,
      'HUMAN::bench',
    );
    write('INSERT INTO dataset VALUES (?, ?, 1, ?)', 'default', dataset, now);
    write(
      `INSERT INTO snapshot (snapshot_id, tenant_id, dataset_id, layer, snapshot_hash, file_count, total_bytes, missing_objects, environment,
           service_release_id, created_at, created_by, verification)
         VALUES (?, 'default', ?, 'RAW', ?, 1, 1, 0, 'local_parity', 'govd-bench', ?, 'HUMAN::bench', 'registered')`,
      `snap-${place}`,
      dataset,
      `sha256:${'ab'.repeat(32)}`,
      now,
    );
    write(
      `INSERT INTO quality_import (snapshot_id, source_kind, source_digest, imported_at, imported_by, checks) VALUES (?, 'dbt', ?, ?, ?, ?)`,
      `snap-${place}`,
      `sha256:${'cd'.repeat(32)}`,
      now,
      'HUMAN::bench',
      results,
    );
  }
  return statements;
}

let serial = 0;

/** One promotion over HTTP, with the reply read whole; answers its run. @throws when it was not carried out */
export async function promoteOnce(daemon: BenchDaemon): Promise<string> {
  serial += 1;
  const place = serial % datasets;
  const run_id = `bench-${serial}`;
  const { status, text } = await daemon.call('POST', '/v1/promotions', {
    run_id,
    dataset_id: `orders-${place}`,
    from_layer: 'RAW',
    to_layer: 'GDP',
    snapshot_id: `snap-${place}`,
  });
  if (status !== 200 || !text.includes('"status":"succeeded"')) throw new Error(`a promotion failed: ${status} ${text.slice(0, 4000)}`);
  return run_id;
}

/**
 * So many promotions by clients that each send the next one when they have their answer; of several daemons each client has its own.
 * Answers the milliseconds of each.
 */
export async function promoteAll(daemons: BenchDaemon | readonly BenchDaemon[], promotions: number, clients: number): Promise<number[]> {
  const all = 'call' in daemons ? [daemons] : daemons;
  const took: number[] = [];
  let left = promotions;
  const client = async (daemon: BenchDaemon) => {
    while (left > 0) {
      left -= 1;
      const started = performance.now();
      await promoteOnce(daemon);
      took.push(performance.now() - started);
    }
  };
  const daemonOf = (place: number) => all.slice(place % all.length, (place % all.length) + 1);
  await Promise.all(
    Array.from({ length: clients }, (_, place) => daemonOf(place))
      .flat()
      .map(client),
  );
  return took;
}

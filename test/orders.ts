import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Deployment } from './harness.ts';

/** Names of the checks the contract of `orders` asks for. */
export const requiredChecks = ['not_null_orders_id', 'unique_orders_id'] as const;

export type OrdersContract = {
  /** Lines that stand in the contract besides, or instead. */
  readonly extra?: string;
  readonly maxEvidenceAge?: string;
};

/** A policy set in force, and a contract for the dataset `orders`. */
export async function govern(at: Deployment, { extra = '', maxEvidenceAge = '24h' }: OrdersContract = {}): Promise<void> {
  const pack = await readFile(join(import.meta.dirname, '../fixtures/policy/gdp-default.yaml'), 'utf8');
  await at.json(['policy', 'activate', await at.file('gdp-default.yaml', pack)]);
  const contract = `apiVersion: govctl/v1
kind: Contract
contract_id: orders
dataset_id: orders
promotion_types: [raw_to_gdp, gdp_to_kpi]
policy_packs: [gdp-default]
required_checks: [${requiredChecks.join(', ')}]
min_quality_score: 0.95
max_evidence_age: ${maxEvidenceAge}
requires_coverage: false
pending_audit: { owner: data-platform, sla: 24h }
${extra}`;
  await at.json(['contract', 'apply', '-f', await at.file('contract.yaml', contract)]);
}

/** A snapshot of one small table; other rows are another snapshot. */
export async function snapshotOf(at: Deployment, rows: string): Promise<string> {
  const name = `orders-${Buffer.from(rows).toString('hex').slice(0, 24)}`;
  await at.file(join(name, 'orders.csv'), `id,total\n${rows}\n`);
  const made = await at.json<{ snapshot_id: string }>([
    'snapshot',
    'create',
    join(at.folder, name),
    '--dataset',
    'orders',
    '--layer',
    'RAW',
  ]);
  return made.snapshot_id;
}

/** A JUnit report about the required checks: passed unless a check is named, at a time or at none. */
export function junit(options: { readonly failed?: string; readonly ranAt?: string | null } = {}): string {
  const ranAt = options.ranAt === undefined ? new Date().toISOString() : options.ranAt;
  const cases = requiredChecks.map((name) =>
    name === options.failed ? `<testcase name="${name}"><failure message="3 rows violate it"/></testcase>` : `<testcase name="${name}"/>`,
  );
  return `<testsuites><testsuite name="orders"${ranAt === null ? '' : ` timestamp="${ranAt}"`}>${cases.join('')}</testsuite></testsuites>`;
}

export async function importQuality(at: Deployment, snapshot: string, report: string): Promise<void> {
  const path = await at.file(`report-${Buffer.from(report).toString('hex').slice(-16)}-${Date.now()}.xml`, report);
  await at.json(['quality', 'import', 'junit', path, '--snapshot', snapshot]);
}

/** A snapshot whose checks all passed just now. */
export async function goodSnapshot(at: Deployment, rows: string): Promise<string> {
  const snapshot = await snapshotOf(at, rows);
  await importQuality(at, snapshot, junit());
  return snapshot;
}

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunDocument } from '@govctl/core/job';
import type { Deployment } from './harness.ts';
import { snapshotOf } from './orders.ts';

/** A pinned snapshot, as a job file names it. */
export type Pin = { readonly snapshot_id: string; readonly snapshot_hash: string };

/** The pack that judges jobs is active, and there is data to pin. */
export async function readyForJobs(at: Deployment): Promise<Pin> {
  const pack = await readFile(join(import.meta.dirname, '../fixtures/policy/jobs-default.yaml'), 'utf8');
  await at.json(['policy', 'activate', await at.file('jobs-default.yaml', pack)]);
  const snapshot_id = await snapshotOf(at, '1,100');
  const { snapshot_hash } = await at.json<{ snapshot_hash: string }>(['snapshot', 'get', snapshot_id]);
  return { snapshot_id, snapshot_hash };
}

export type JobSpec = {
  readonly workspace?: string;
  /** Lines of YAML, at the margin. */
  readonly steps: readonly string[];
  readonly extra?: string;
  readonly limits?: string;
};

/** A job file on the pinned orders. */
export function jobFile(
  { snapshot_id, snapshot_hash }: Pin,
  { workspace = 'acme', steps, extra = '', limits = '{ seconds: 60, cost_units: 10 }' }: JobSpec,
): string {
  return `apiVersion: govctl/v1
kind: Job
workspace: ${workspace}
label_asof: 2026-01-31T00:00:00Z
inputs: [{ name: orders, dataset_id: orders, snapshot_id: ${snapshot_id}, snapshot_hash: '${snapshot_hash}' }]
policy_packs: [jobs-default]
limits: ${limits}
steps:
${steps.map((step) => `  - ${step}`).join('\n')}
${extra}
`;
}

/** A step of a few words of shell. */
export function shell(name: string, script: string, more = ''): string {
  return `{ name: ${name}, command: [sh, -c, ${JSON.stringify(script)}]${more === '' ? '' : `, ${more}`} }`;
}

/** Submits a job and waits for its end. */
export async function runToItsEnd(at: Deployment, name: string, file: string, exit = 0): Promise<RunDocument> {
  return await at.json<RunDocument>(
    ['run', 'submit', await at.file(`${name}.yaml`, file), '--run-id', name, '--wait', '--timeout', '90s'],
    exit,
  );
}

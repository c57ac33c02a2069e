import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchDaemon, cleanEnv, runNode } from './daemon.ts';
import type { Lab } from './measurement.ts';

/** Data that jobs pin, and the pack that judges them, in a running daemon. */
export type JobBed = {
  /** A job file on the pinned data. */
  file(job: { readonly workspace: string; readonly steps: readonly string[]; readonly extra?: string }): string;
  govctl(argv: readonly string[]): Promise<{ code: number; out: string }>;
};

export async function jobBed(lab: Lab, state: string): Promise<JobBed> {
  const env = { ...cleanEnv(), GOVCTL_CONFIG: join(state, 'govctl.yaml') };
  const govctl: JobBed['govctl'] = (argv) => runNode([join(lab.root, 'packages/cli/bin/govctl.mjs'), ...argv], env);
  const expected = async (argv: readonly string[]) => {
    const { code, out } = await govctl(argv);
    if (code !== 0) throw new Error(`govctl ${argv.join(' ')} ended with ${code}: ${out}`);
    return out;
  };
  await expected(['policy', 'activate', join(lab.root, 'fixtures/policy/jobs-default.yaml')]);
  const data = join(mkdtempSync(join(lab.folder, 'data-')), 'orders');
  mkdirSync(data);
  writeFileSync(join(data, 'orders.csv'), 'id,total\n1,100\n');
  const made = await expected(['snapshot', 'create', data, '--dataset', 'orders', '-o', 'json']);
  const { snapshot_id, snapshot_hash } = JSON.parse(made.slice(made.indexOf('{'), made.lastIndexOf('}') + 1)) as Record<string, string>;
  return {
    govctl,
    file: ({ workspace, steps, extra = '' }) => `apiVersion: govctl/v1
kind: Job
workspace: ${workspace}
label_asof: 2026-01-31T00:00:00Z
inputs: [{ name: orders, dataset_id: orders, snapshot_id: ${snapshot_id}, snapshot_hash: '${snapshot_hash}' }]
policy_packs: [jobs-default]
limits: { steps: 1000, seconds: 3600 }
steps:
${steps.map((step) => `  - ${step}`).join('\n')}
${extra}
`,
  };
}

export type EndedJob = {
  readonly run_id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly manifest: readonly { readonly started: string; readonly ended: string }[];
};

/** Submits a job over HTTP and waits until it has ended, asking now and then. @throws when it did not succeed */
export async function runJob(daemon: BenchDaemon, run_id: string, source: string, pollMs = 20): Promise<EndedJob> {
  const submitted = await daemon.call('POST', '/v1/runs', { run_id, tenant_id: 'default', source });
  if (submitted.status !== 202) throw new Error(`a job was not accepted: ${submitted.status} ${submitted.text.slice(0, 2000)}`);
  for (;;) {
    const { status, text } = await daemon.call('GET', `/v1/runs/${run_id}`);
    if (status !== 200) throw new Error(`run get: ${status} ${text.slice(0, 2000)}`);
    const run = JSON.parse(text) as EndedJob & { readonly phase: string };
    if (run.phase === 'COMPLETED') return run;
    if (run.phase === 'FAILED') throw new Error(`job ${run_id} failed: ${run.reason ?? run.status}`);
    await sleep(pollMs);
  }
}

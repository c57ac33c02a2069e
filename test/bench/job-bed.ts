import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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

type EndedJob = {
  readonly run_id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly manifest: readonly { readonly started: string; readonly ended: string }[];
};

/** Runs jobs to their ends, told by the stream of events: whoever asks again and again takes the processor that the jobs want. */
export type JobRunner = {
  /** Submits a job over HTTP and waits until it has ended. @throws when it did not succeed */
  run(run_id: string, source: string): Promise<EndedJob>;
  close(): void;
};

export async function jobRunner(daemon: BenchDaemon): Promise<JobRunner> {
  const stream = await daemon.lines('/v1/events?type=run.completed,run.failed');
  const waiting = new Map<string, PromiseWithResolvers<void>>();
  const follow = async () => {
    for await (const line of stream.each) {
      if (!line.startsWith('data:')) continue;
      const { run_id } = (JSON.parse(line.slice(5)) as { data: { run_id: string } }).data;
      waiting.get(run_id)?.resolve();
    }
  };
  const following = follow().finally(() => {
    for (const { reject } of waiting.values()) reject(new Error('the stream of events ended'));
  });
  following.catch(() => {});
  return {
    async run(run_id, source) {
      const ended = Promise.withResolvers<void>();
      waiting.set(run_id, ended);
      const submitted = await daemon.call('POST', '/v1/runs', { run_id, tenant_id: 'default', source });
      if (submitted.status !== 202) throw new Error(`a job was not accepted: ${submitted.status} ${submitted.text.slice(0, 2000)}`);
      await ended.promise;
      waiting.delete(run_id);
      const { status, text } = await daemon.call('GET', `/v1/runs/${run_id}`);
      if (status !== 200) throw new Error(`run get: ${status} ${text.slice(0, 2000)}`);
      const run = JSON.parse(text) as EndedJob & { readonly phase: string };
      if (run.phase !== 'COMPLETED') throw new Error(`job ${run_id} is ${run.phase}: ${run.reason ?? run.status}`);
      return run;
    },
    close: () => stream.destroy(),
  };
}

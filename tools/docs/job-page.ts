import { z } from 'zod';
import { jobGates } from '../../packages/core/src/job/decision.ts';
import { jobFileSchema } from '../../packages/core/src/job/job-file.ts';
import { fieldTable } from './schema-table.ts';

const example = `apiVersion: govctl/v1
kind: Job
workspace: acme-spend
label_asof: 2026-01-31T00:00:00Z
inputs:
  - { name: invoices, dataset_id: invoices, snapshot_id: SNAPSHOT, snapshot_hash: sha256:... }
policy_packs: [jobs-default]
limits: { steps: 20, seconds: 600, cost_units: 100 }
steps:
  - { name: detect, command: [node, /srv/jobs/detect.mjs], timeout: 60s, cost_units: 1 }
  - { name: report, command: [node, /srv/jobs/report.mjs], retries: 2, backoff: 1s, requires: { signals: findings } }
outputs: [{ name: report, dataset_id: spend-report, layer: RAW }]
`;

const seen: readonly (readonly [string, string])[] = [
  ['`GOVCTL_INPUT_<NAME>`', 'folder with a copy of the pinned snapshot; every byte was compared with its digest'],
  ['`GOVCTL_OUTPUT_<NAME>`', 'folder to write into; becomes a snapshot when the result is allowed'],
  ['`GOVCTL_SIGNALS`', 'folder for signals: `NAME.json` (a list) or `NAME.ndjson`; digest and count go into the manifest'],
  ['`GOVCTL_RUN_ID`, `GOVCTL_WORKSPACE`, `GOVCTL_LABEL_ASOF`', 'what they say'],
  ['`HOME`, `TMPDIR`', "the run's own folder"],
  ['what `runs.jobs.env` in `govd.yaml` lists', 'from the environment of govd; nothing else of it'],
];

/** How a job is written, what its steps see, and what becomes of it. */
export function jobPage(): string {
  return [
    '# Jobs\n\nA job is a run of steps on pinned inputs, under the lock of its workspace, judged at its end. There is no "latest": an input names its snapshot and what it must contain.\n\n',
    `\`\`\`yaml\n${example}\`\`\`\n\n`,
    '`govctl run submit job.yaml --dry-run` shows what would run and whether it would start; `govctl run submit job.yaml --wait` runs it. The file is closed, and every error is told at once with its line. It is kept byte for byte.\n\n',
    'Grants name a workspace where they name a dataset: `govctl apikey add --actor SYSTEM::nightly --action run.submit --dataset acme-spend`. Whoever submits needs `snapshot.read` on the inputs and `snapshot.create` on the datasets of the outputs too; the latter is asked again when they are registered.\n\n',
    `## Fields\n\n${fieldTable(z.toJSONSchema(jobFileSchema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>)}\n`,
    '## What a step sees\n\n| variable | is |\n|---|---|\n',
    ...seen.map(([name, what]) => `| ${name} | ${what} |\n`),
    '\nA step is a process of its own, in a session and process group of its own, run as the user of govd: it can read what that user can. Run only jobs of people you would give that account to, and keep `runs.jobs.enabled` off elsewhere. Secrets do not belong into arguments or `env` (both are refused where they look like some): let the step read a file.\n\n',
    'A step is ended as a group, SIGTERM first, SIGKILL after `runs.jobs.kill_grace`. What leaves the group is found by a variable that all of its processes inherit (`GOVCTL_STEP_ID`), also after a restart of govd; only a process that cleans its own environment gets away. What a step leaves behind is ended before its outputs are read.\n\n',
    'Of what an attempt prints, `runs.jobs.output_bytes` are kept: the beginning and the end, with a line that says how much lies between. The digest in the manifest is of what is kept.\n\n',
    '## Checks on the way, and pauses\n\nBefore a step, at most once in `runs.mid_run.interval`, a job is looked at again. A suspended tenant ends it (`tenant-suspended`); a pack of it that is active no longer, or `runs.jobs.limits` that were lowered below its own, pause it until an administrator resumes it. Its own limits are compared after each attempt. At 80 and 100 hundredths of `seconds` or `cost_units` the run gets a `risk_level` and an event `threshold.exceeded` is sent; nothing is stopped by that.\n\n`govctl run pause R --reason TEXT` halts a job before its next step: what runs ends first. The workspace is free meanwhile unless `--keep-lock` is given; a job that finds it taken when it is resumed waits. After `--sla` it ends, goes on, or stays paused while an incident calls for somebody (`--on-timeout`); one that still has a step running ends when that has ended. `govctl run resume` has it checked afresh, and `govctl run stop` ends it also while it is paused.\n\n',
    '## When govd stops\n\nAn attempt that ran is never taken for done. It has failed, is tried again where `retries` allow, and what is left of it is ended before that. The job goes on with the same step; its folder is on this host, so another host of the deployment does not go on with it: there it fails, and `govctl run rerun` starts it anew.\n\n',
    '## How it is judged\n\nWhen every step has ended, these gates and every rule on `run_result` of its packs answer; `docs/policy.md` lists what a rule sees (`job`). A failed step, a limit or a stop ends the run before: there is nothing to allow then.\n\n| gate | asks |\n|---|---|\n',
    ...jobGates.map(({ code, asks }) => `| \`${code}\` | ${asks} |\n`),
    '\nThe end of a run is a record in the evidence log (`run-result`), with the digest of its manifest; the decision and its facts are on record beside it (`run.decide`). Jobs of the kinds `ofs_build` and `mf_train` record `OFS_BUILD_REQUESTED` and `OFS_BUILD_COMPLETED`, `MF_TRAIN_REQUESTED` and `MF_TRAIN_COMPLETED` too.\n',
  ].join('');
}

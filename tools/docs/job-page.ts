import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { jobGates } from '../../packages/core/src/job/decision.ts';
import { jobFileSchema } from '../../packages/core/src/job/job-file.ts';
import { fieldTable } from './schema-table.ts';

/** The very file that a test fills in and submits. */
const example = readFileSync(join(import.meta.dirname, '../../fixtures/job/example.yaml'), 'utf8');

const seen: readonly (readonly [string, string])[] = [
  [
    '`GOVCTL_INPUT_<NAME>`',
    'folder with a copy of the pinned snapshot, for reading only; every byte was compared with its digest, and is again at the end',
  ],
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
    '`govctl run submit job.yaml --dry-run` shows whether it would start, what its pinned data holds, and what each step would do: run, be skipped (with what its receipt would say, and the one thing to do), or that it depends on what the steps before it leave. It reads the first bytes of at most 512 files, says what it did not look at, writes nothing and takes no lock. `govctl run submit job.yaml --wait` runs it. The file is closed, and every error is told at once with its line. It is kept byte for byte. Programs are named by their path: a step has no `PATH` unless `runs.jobs.env` lists it, and then only `/bin` and `/usr/bin` are searched.\n\n',
    'Grants name a workspace where they name a dataset: `govctl apikey add --actor SYSTEM::nightly --action run.submit --dataset acme-spend`. Whoever submits needs `snapshot.read` on the inputs and `snapshot.create` on the datasets of the outputs too; the latter is asked again when they are registered.\n\n',
    `## Fields\n\n${fieldTable(z.toJSONSchema(jobFileSchema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>)}\n`,
    '## What a step sees\n\n| variable | is |\n|---|---|\n',
    ...seen.map(([name, what]) => `| ${name} | ${what} |\n`),
    '\nNobody is kept from writing to an input who runs as the user of govd; it is noticed. After each attempt the copies are looked at (who writes to a file moves its change time), and before the run is judged every byte is compared again. A step that changed, added or removed anything there has failed, whatever its exit code says, the receipt names the file, and a retry begins with a fresh copy.\n\n',
    'A step is a process of its own, in a session and process group of its own, run as the user of govd: it can read what that user can. Run only jobs of people you would give that account to, and keep `runs.jobs.enabled` off elsewhere. Secrets do not belong into arguments or `env` (both are refused where they look like some): let the step read a file.\n\n',
    'A step is ended as a group, SIGTERM first, SIGKILL after `runs.jobs.kill_grace`. What leaves the group is found by a variable that all of its processes inherit (`GOVCTL_STEP_ID`), also after a restart of govd; only a process that cleans its own environment gets away. What a step leaves behind is ended before its outputs are read.\n\n',
    'Of what an attempt prints, `runs.jobs.output_bytes` are kept: the beginning and the end, with a line that says how much lies between. The digest in the manifest is of what is kept.\n\n',
    '## Before a promotion\n\n`govctl promote orders --from RAW --to GDP --snapshot S --job job.yaml` submits the job and a promotion that waits for it; `--dry-run` shows both, and `--wait` stays until the promotion has ended. The job is a run of its own (`R-job` of the promotion `R`): it has its own receipt, and can be watched, paused and stopped as any other. While it is open the promotion is deferred (`job-open`); when it has ended the promotion is decided at once, and denied unless the job succeeded (`job-failed`): nobody waives that. The promotion names its job (`job_run_id`), the job its promotions (`promotions`), and the facts of the decision have what became of the job.\n\n',
    '## Checks on the way, and pauses\n\nBefore a step, at most once in `runs.mid_run.interval`, a job is looked at again. A suspended tenant ends it (`tenant-suspended`); a pack of it that is active no longer (`govctl policy deactivate`), or `runs.jobs.limits` that were lowered below its own, pause it until an administrator resumes it. Its own limits are compared after each attempt. At 80 and 100 hundredths of `seconds` or `cost_units` the run gets a `risk_level` and an event `threshold.exceeded` is sent; a job that is deferred is told of alike at 80 and 100 hundredths of the day it may wait (`defer:80`, `defer:100`). Nothing is stopped by that.\n\n`govctl run pause R --reason TEXT` halts a job before its next step: what runs ends first. The workspace is free meanwhile unless `--keep-lock` is given; a job that finds it taken when it is resumed waits. After `--sla` it ends, goes on, or stays paused while an incident calls for somebody (`--on-timeout`); one that still has a step running ends when that has ended. `govctl run resume` has it checked afresh, and `govctl run stop` ends it also while it is paused.\n\n',
    '## When govd stops\n\nAn attempt that ran is never taken for done. It has failed, is tried again where `retries` allow, and what is left of it is ended before that. The job goes on with the same step; its folder is on this host, so another host of the deployment does not go on with it: there it fails, and `govctl run rerun` starts it anew.\n\n',
    '## How it is judged\n\nWhen every step has ended, these gates and every rule on `run_result` of its packs answer; `docs/policy.md` lists what a rule sees (`job`). A failed step, a limit or a stop ends the run before: there is nothing to allow then.\n\n| gate | asks |\n|---|---|\n',
    ...jobGates.map(({ code, asks }) => `| \`${code}\` | ${asks} |\n`),
    '\nThe end of a run is a record in the evidence log (`run-result`), with the digest of its manifest; the decision and its facts are on record beside it (`run.decide`). Jobs of the kinds `ofs_build` and `mf_train` record `OFS_BUILD_REQUESTED` and `OFS_BUILD_COMPLETED`, `MF_TRAIN_REQUESTED` and `MF_TRAIN_COMPLETED` too.\n',
  ].join('');
}

import { command, defineCommand, noun } from '../../command.ts';
import { pauseFlags } from '../pause-flag.ts';

const runArgument = { summary: 'run_id of a job', completes: 'run' } as const;
const anyRun = { summary: 'run_id of a job, promotion or rollback', completes: 'run' } as const;
const wait = { type: 'boolean', summary: 'Wait until the run has ended, and exit by how it did' } as const;
const timeout = {
  type: 'duration',
  value: 'DURATION',
  summary: 'How long to wait for the end of the run',
  env: 'GOVCTL_TIMEOUT',
  default: '1h',
} as const;
const runId = { type: 'string', value: 'R', summary: 'Idempotency key; made and shown when left out' } as const;

export const runSubmit = defineCommand({
  name: 'submit',
  summary: 'Submit a job: steps on pinned inputs, judged at their end',
  description: [
    'A job names its inputs by digest, its steps, its limits, and the policy packs that judge its result; docs/job.md describes every field. It runs in govd under the lock of its workspace: a second one is refused (exit 10) until the first has ended. The run_id is the idempotency key.',
    '--dry-run writes nothing: it shows every step, what each requires, who will judge the result, and whether the job would start now (exit 3 when not).',
  ].join('\n\n'),
  args: { job: { summary: 'Job file (YAML); - is standard input' } },
  flags: {
    'run-id': runId,
    tenant: { type: 'string', value: 'T', summary: "Tenant; the context's when left out" },
    'dry-run': { type: 'boolean', summary: 'Show what would run, and write nothing' },
    wait,
    timeout,
  },
  examples: [
    { command: 'govctl run submit job.yaml --dry-run', what: 'what would run, and whether it would start' },
    { command: 'govctl run submit job.yaml --wait', what: 'run it, and exit by its outcome' },
    { command: 'govctl run submit job.yaml --run-id nightly-2026-01-31', what: 'safe to send again' },
  ],
  exits: ['deny', 'conflict', 'failed', 'timeout'],
});

export const runLs = defineCommand({
  name: 'ls',
  summary: 'List jobs, newest first',
  flags: {
    workspace: { type: 'string', value: 'W', summary: 'Only of this workspace' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    status: {
      type: 'string',
      value: 'STATUS',
      summary: 'Only with this status: running, succeeded, failed, failed_policy, cancelled, ...',
    },
    open: { type: 'boolean', summary: 'Only those that have not ended' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'At most so many' },
    cursor: { type: 'string', value: 'C', summary: 'Go on where the last list ended' },
  },
  examples: [
    { command: 'govctl run ls --open', what: 'what runs or waits' },
    { command: 'govctl run ls --workspace acme-spend --status failed -o name', what: 'run_ids of what failed' },
  ],
});

export const runGet = defineCommand({
  name: 'get',
  summary: 'Show a job: its steps, what it used, its decision and its evidence',
  args: { run: runArgument },
  examples: [
    { command: 'govctl run get R', what: 'what became of every step' },
    { command: 'govctl run get R --field outputs[].snapshot_id', what: 'the snapshots it made' },
  ],
  exits: ['not-found'],
});

export const runLogs = defineCommand({
  name: 'logs',
  summary: 'Print what the steps of a job printed, as far as it was kept',
  description:
    'Of what an attempt prints, the beginning and the end are kept (runs.jobs.output_bytes in govd.yaml); the digest in the manifest is of what is kept. Bytes come as they are.',
  args: { run: runArgument },
  flags: {
    step: { type: 'string', value: 'STEP', summary: 'Only of this step' },
    attempt: { type: 'integer', value: 'N', min: 1, summary: 'Only of this attempt' },
  },
  examples: [
    { command: 'govctl run logs R', what: 'all of it, in order' },
    { command: 'govctl run logs R --step detect --attempt 1', what: 'one attempt, as it is' },
  ],
  exits: ['not-found'],
});

export const runWatch = defineCommand({
  name: 'watch',
  summary: 'Follow a job until it has ended',
  args: { run: runArgument },
  flags: { timeout: { type: 'duration', value: 'DURATION', summary: 'How long to wait for the end of the run', env: 'GOVCTL_TIMEOUT' } },
  examples: [{ command: 'govctl run watch R', what: 'each change as it happens; exits by the outcome' }],
  exits: ['deny', 'failed', 'not-found', 'timeout'],
});

export const runStop = defineCommand({
  name: 'stop',
  summary: 'End an open job: its step is ended as a group',
  description:
    'Also while it is paused. SIGTERM to all of the step, SIGKILL after runs.jobs.kill_grace. What ended before stays in the manifest; outputs become nothing.',
  args: { run: runArgument },
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    wait,
    timeout: { ...timeout, default: '2m' },
  },
  examples: [{ command: 'govctl run stop R --reason "wrong month"', what: 'again is no change' }],
  exits: ['conflict', 'not-found', 'timeout'],
});

export const runPause = defineCommand({
  name: 'pause',
  summary: 'Halt a job before its next step, until somebody resumes it',
  description: [
    'A step that runs ends first. Then nothing of the job runs until it is resumed, or its time runs out: somebody is warned shortly before, and then it ends, goes on, or stays paused while an incident calls for a person. The time it is paused does not count for its limits. A job that has not begun, or is judged just now, cannot be paused.',
    'Authorities are how far a grant of run.resume reaches. tenant_user: a person, for this workspace. tenant_admin: for every dataset of the tenant. founder_only: a person who may do anything. api_key_owner: whoever submitted the job. system_auto: a service. Without --authority the kind says who.',
  ].join('\n\n'),
  args: { run: runArgument },
  flags: pauseFlags('the workspace'),
  examples: [
    { command: 'govctl run pause R --reason "the source is being mended"', what: 'for an hour at most; then it ends' },
    {
      command: 'govctl run pause R --reason "audit under way" --sla 1d --on-timeout escalate --keep-lock',
      what: 'nothing moves until a person says so',
    },
  ],
  exits: ['conflict', 'not-found'],
});

export const runResume = defineCommand({
  name: 'resume',
  summary: 'Let a paused job go on: it is checked afresh before its next step',
  description:
    'Whether its tenant may run anything, its packs are active and its limits still hold is looked at again: where not, it is paused again, or ends. Only who the pause names may resume: an attempt by anybody else is refused, and recorded.',
  args: { run: runArgument },
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } },
  examples: [{ command: 'govctl run resume R --reason "the source is whole again"', what: 'from where it was' }],
  exits: ['conflict', 'not-found', 'auth'],
});

export const runRerun = defineCommand({
  name: 'rerun',
  summary: 'Submit the job of an ended run again, as a run of its own',
  args: { run: runArgument },
  flags: { 'run-id': { ...runId, summary: 'Idempotency key of the new run; made and shown when left out' }, wait, timeout },
  examples: [{ command: 'govctl run rerun R --wait', what: 'the same file, byte for byte, from the first step on' }],
  exits: ['deny', 'conflict', 'failed', 'not-found', 'timeout'],
});

export const runReceipt = defineCommand({
  name: 'receipt',
  summary: 'Show what a run leaves for a person: how it ended, why, what to do, and how to prove it',
  description: [
    'Finite, whatever the run did. -o html is a page that needs nothing from anywhere and can be mailed, kept and printed; -o json is the same as a document.',
    '--web serves the page once on this machine, at an address nobody can guess, and ends when it was fetched. --open also opens a browser there, on a terminal only.',
  ].join('\n\n'),
  args: { run: anyRun },
  flags: {
    details: { type: 'boolean', summary: 'On a terminal: the watch list, ids, digests and phases too' },
    web: { type: 'boolean', summary: 'Serve the page once on 127.0.0.1, and print its address' },
    open: { type: 'boolean', summary: 'With --web: open a browser at it; only on a terminal' },
    timeout: {
      type: 'duration',
      value: 'DURATION',
      default: '5m',
      summary: 'With --web: how long to wait for a browser',
      env: 'GOVCTL_TIMEOUT',
    },
  },
  examples: [
    { command: 'govctl run receipt R', what: 'on a terminal, or through a pipe' },
    { command: 'govctl run receipt R -o html > receipt.html', what: 'a page to keep or to mail' },
    { command: 'govctl run receipt R --web', what: 'in a browser on this machine' },
    { command: 'govctl run receipt R --field next.command', what: 'what to do next, for a script' },
  ],
  exits: ['not-found', 'timeout'],
  formats: ['html'],
});

export const runCommands = [
  noun('run', 'Jobs, and what runs of every kind leave', [
    command(runSubmit, () => import('./submit.ts')),
    command(runLs, () => import('./ls.ts')),
    command(runGet, () => import('./get.ts')),
    command(runLogs, () => import('./logs.ts')),
    command(runReceipt, () => import('./receipt.ts')),
    command(runWatch, () => import('./watch.ts')),
    command(runPause, () => import('./pause.ts')),
    command(runResume, () => import('./resume.ts')),
    command(runStop, () => import('./stop.ts')),
    command(runRerun, () => import('./rerun.ts')),
  ]),
];

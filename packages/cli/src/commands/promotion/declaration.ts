import { command, defineCommand, noun } from '../../command.ts';
import { gateFormats } from '../../flag.ts';
import { pauseFlags } from '../pause-flag.ts';

const layers = ['RAW', 'GDP', 'KPI'] as const;
const tenant = { type: 'string', value: 'T', summary: "Tenant; the context's when left out" } as const;
const reason = { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } as const;
const explainFlag = {
  type: 'boolean',
  summary: 'Show every gate and rule with what it asked, evidence and age, and what to do next',
} as const;
const untilEnded = {
  type: 'duration',
  value: 'DURATION',
  summary: 'How long to wait for the end of the run',
  env: 'GOVCTL_TIMEOUT',
} as const;
const runArgument = { summary: 'run_id of a promotion', completes: 'run' } as const;

export const promote = defineCommand({
  name: 'promote',
  summary: 'Promote a dataset snapshot to the next layer, or say what the gate would answer',
  description: [
    'Asks govd to move a snapshot up by one layer: RAW -> GDP -> KPI. The run_id is the idempotency key: sent again, it gives the same answer and does nothing twice. Without --wait the exit code is the decision as far as it is known; with it, the outcome.',
    '--dry-run writes nothing. =local (the default) fetches the facts and decides them here, then compares with the decision of govd (parity); =server shows the decision of govd; =offline decides facts from a file and opens no connection.',
    'A plan is no permission: it is decided again when it is carried out. --effective-time judges as of another moment: rules that are not in force yet say what they would do.',
  ].join('\n\n'),
  args: { dataset: { summary: 'Dataset to promote; needed unless --plan says it', optional: true, completes: 'dataset' } },
  flags: {
    from: { type: 'string', value: 'L', choices: layers, summary: 'Layer the snapshot is in; needed unless --facts says it' },
    to: { type: 'string', value: 'L', choices: layers, summary: 'Layer it shall be in; needed unless --facts says it' },
    snapshot: { type: 'string', value: 'S', summary: 'Snapshot id; needed unless --facts says it', completes: 'snapshot' },
    'run-id': { type: 'string', value: 'R', summary: 'Idempotency key; made and shown when left out' },
    evidence: {
      type: 'string',
      value: 'FILE',
      summary: 'A complete evidence bundle, instead of the one govd builds',
      completes: 'file',
    },
    tenant,
    job: {
      type: 'string',
      value: 'JOB.yaml',
      summary: 'A job that runs first; the promotion waits for it, and is denied unless it succeeds',
      completes: 'file',
    },
    supersedes: { type: 'string', value: 'R', summary: 'The run this one corrects', completes: 'run' },
    'expected-policy-rev': { type: 'string', value: 'REV', summary: 'Deny unless exactly this policy set is active' },
    'dry-run': {
      type: 'string',
      value: 'WHERE',
      choices: ['local', 'server', 'offline'],
      bare: 'local',
      summary: 'Decide, and write nothing',
    },
    facts: { type: 'string', value: 'FILE', summary: 'Facts to decide, with --dry-run=offline', completes: 'file' },
    'save-facts': {
      type: 'string',
      value: 'FILE',
      summary: 'Keep the facts of a dry run (0600), to decide them elsewhere',
      completes: 'file',
    },
    'effective-time': { type: 'time', value: 'T', summary: 'Judge a dry run as of this moment' },
    out: {
      type: 'string',
      value: 'PLAN',
      summary: 'Keep a dry run as a plan (0600): refused later if anything it was made on moved',
      completes: 'file',
    },
    plan: {
      type: 'string',
      value: 'PLAN',
      summary: 'Carry out a plan kept with --out, if nothing moved since; exit 10 names what did',
      completes: 'file',
    },
    show: { type: 'boolean', summary: 'With --plan: show it and what moved, and do nothing' },
    wait: { type: 'boolean', summary: 'Wait until the run has ended, and exit by how it did' },
    timeout: { ...untilEnded, default: '10m' },
    explain: explainFlag,
  },
  examples: [
    {
      command: 'govctl promote orders --from RAW --to GDP --snapshot S --dry-run',
      what: 'what the gate would say, decided here and compared',
    },
    { command: 'govctl promote orders --from RAW --to GDP --snapshot S --wait', what: 'promote, and wait for the end' },
    {
      command: 'govctl promote orders --from RAW --to GDP --snapshot S --dry-run --save-facts facts.json',
      what: 'keep what the decision is made from',
    },
    { command: 'govctl promote orders --dry-run=offline --facts facts.json --explain', what: 'decide it on a laptop without network' },
    {
      command: 'govctl promote orders --from RAW --to GDP --snapshot S --dry-run --out plan.json',
      what: 'plan it now: to be looked at, and carried out later',
    },
    { command: 'govctl promote --plan plan.json --wait', what: 'carry out exactly that, or learn what moved' },
  ],
  exits: ['deny', 'defer', 'conflict', 'failed', 'timeout'],
  formats: gateFormats,
});

export const why = defineCommand({
  name: 'why',
  summary: 'Explain the decision on a run',
  description:
    'Every gate and rule: what it asked, what it expected and found, on which evidence and how old, who can mend it and with which command; of a job its receipt. A question: it exits 0 whatever the decision is.',
  args: { run: runArgument },
  flags: {},
  examples: [
    { command: 'govctl why R', what: 'what denied or holds up a run, and what to do' },
    { command: 'govctl why R --field next[].command', what: 'only the commands' },
  ],
  exits: ['not-found'],
});

export const whyNot = defineCommand({
  name: 'why-not',
  summary: 'Explain what stands between a dataset and a layer',
  description:
    'Takes the newest snapshot of the dataset that is not ACTIVE in that layer yet, asks govd what the gate would say, and explains it. Nothing is recorded. A question: it exits 0 whatever the answer is (promote --dry-run exits by it).',
  args: { dataset: { summary: 'Dataset', completes: 'dataset' } },
  flags: {
    to: { type: 'string', value: 'LAYER', choices: ['GDP', 'KPI'], required: true, summary: 'The layer it is not in' },
    snapshot: { type: 'string', value: 'S', summary: 'This snapshot, instead of the newest', completes: 'snapshot' },
    tenant,
  },
  examples: [
    { command: 'govctl why-not orders --to GDP', what: 'what the newest snapshot lacks' },
    { command: 'govctl why-not orders --to KPI --snapshot S', what: 'of one snapshot' },
  ],
  exits: ['not-found'],
});

export const promotionLs = defineCommand({
  name: 'ls',
  summary: 'List promotions, newest first',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    status: { type: 'string', value: 'STATUS', summary: 'Only with this status: succeeded, failed_policy, deferred, cancelled, ...' },
    open: { type: 'boolean', summary: 'Only those that have not ended' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'At most so many' },
    cursor: { type: 'string', value: 'C', summary: 'Go on where the last list ended' },
  },
  examples: [
    { command: 'govctl promotion ls --open', what: 'what waits' },
    { command: 'govctl promotion ls --dataset orders --status failed_policy -o name', what: 'run_ids of what was denied' },
  ],
});

export const promotionGet = defineCommand({
  name: 'get',
  summary: 'Show a promotion: where it stands, its decision, its place in the log',
  args: { run: runArgument },
  flags: { explain: explainFlag },
  examples: [
    { command: 'govctl promotion get R', what: 'where it stands' },
    { command: 'govctl promotion get R --field evidence.ref', what: 'for govctl evidence get' },
  ],
  exits: ['not-found'],
  formats: gateFormats,
});

export const promotionWatch = defineCommand({
  name: 'watch',
  summary: 'Follow a promotion until it has ended, and exit by how it did',
  description: 'Shows the promotion now and whenever it changed. Ctrl-C ends the watching, never the run.',
  args: { run: runArgument },
  flags: { timeout: untilEnded },
  examples: [
    { command: 'govctl promotion watch R', what: 'until the end' },
    { command: 'govctl promotion watch R --timeout 1h -o ndjson', what: 'one line a change, at most an hour' },
  ],
  exits: ['deny', 'failed', 'timeout', 'not-found'],
});

export const promotionCancel = defineCommand({
  name: 'cancel',
  summary: 'End an open promotion',
  args: { run: runArgument },
  flags: { reason },
  examples: [{ command: 'govctl promotion cancel R --reason "wrong snapshot"', what: 'it is asked no more; the cancelling is recorded' }],
  exits: ['conflict', 'not-found'],
});

const saidRole = {
  type: 'string',
  value: 'ROLE',
  summary: 'In which role of the contract; the first you hold that is lacking when left out',
} as const;

export const promotionApprove = defineCommand({
  name: 'approve',
  summary: 'Approve a promotion that waits for people',
  description: [
    'Good for this request alone: its snapshot, its target and the policy set it is judged by, once, for 24 hours unless said. Only people may, each counts once, and never the one who asked. The run is asked again at once.',
    '--overrides sets aside a gate or rule that does not hold, of those the contract names in approvals.overridable_rules, when as many approvals say so as the contract asks for.',
  ].join('\n\n'),
  args: { run: { summary: 'run_id of a promotion that waits', completes: 'run' } },
  flags: {
    reason,
    overrides: { type: 'list', value: 'RULE', summary: 'Code of a gate or rule to set aside, as govctl why names it; may be given again' },
    role: saidRole,
    for: { type: 'duration', value: 'DURATION', default: '24h', summary: 'How long it is good for; 7d at most' },
  },
  examples: [
    { command: 'govctl promotion approve R --reason "compared with the ledger"', what: 'what the run waits for' },
    {
      command: 'govctl promotion approve R --overrides rule:gdp-default/not-empty --reason "a day without orders"',
      what: 'although a rule does not hold',
    },
  ],
  exits: ['conflict', 'not-found'],
});

export const promotionReject = defineCommand({
  name: 'reject',
  summary: 'Reject a promotion that waits for people',
  description: 'It ends at once by a deny that names you and the reason, whoever else approved it. A rejected run stays rejected.',
  args: { run: { summary: 'run_id of a promotion that waits', completes: 'run' } },
  flags: { reason, role: saidRole },
  examples: [{ command: 'govctl promotion reject R --reason "the totals do not match the ledger"', what: 'the record says who and why' }],
  exits: ['conflict', 'not-found'],
});

export const promotionPause = defineCommand({
  name: 'pause',
  summary: 'Halt a promotion that waits, until somebody resumes it',
  description: [
    'It is not asked again until it is resumed, or its time runs out: somebody is warned shortly before, and then it ends, goes on, or stays paused while an incident calls for a person. The time it is paused does not count for its deadlines. Only what waits can be paused: any other promotion is over in one step.',
    'Authorities are how far a grant of promotion.resume reaches. tenant_user: a person, for this dataset. tenant_admin: for every dataset of the tenant. founder_only: a person who may do anything. api_key_owner: whoever asked for the run. system_auto: a service. Without --authority the kind says who.',
  ].join('\n\n'),
  args: { run: { summary: 'run_id of a promotion that waits', completes: 'run' } },
  flags: pauseFlags('the target'),
  examples: [
    { command: 'govctl promotion pause R --reason "waiting for the ledger"', what: 'for an hour at most; then it ends' },
    {
      command: 'govctl promotion pause R --reason "audit under way" --sla 1d --on-timeout escalate --keep-lock',
      what: 'nothing moves until a person says so',
    },
  ],
  exits: ['conflict', 'not-found'],
});

export const promotionResume = defineCommand({
  name: 'resume',
  summary: 'Let a paused promotion go on: everything is asked again',
  description:
    'On the facts of now, as if it were asked for the first time. Only who the pause names may: an attempt by anybody else is refused, and recorded.',
  args: { run: { summary: 'run_id of a paused promotion', completes: 'run' } },
  flags: { reason },
  examples: [{ command: 'govctl promotion resume R --reason "the ledger agrees"', what: 'exits by the new decision' }],
  exits: ['deny', 'defer', 'conflict', 'not-found', 'auth'],
});

export const promotionRollback = defineCommand({
  name: 'rollback',
  summary: 'Put the target of a promotion back to its last verified version',
  description:
    'A gated promotion of its own: the version before is read again byte for byte, and becomes ACTIVE. The version left is quarantined, the target goes on hold, and a pending audit is opened. Cleared by: snapshot release, hold lift, audit close.',
  args: { run: { summary: 'run_id of the promotion that made the version to leave', completes: 'run' } },
  flags: {
    reason,
    'dry-run': {
      type: 'string',
      choices: ['local', 'server'],
      bare: 'local',
      value: 'WHERE',
      summary: 'Only decide; nothing is recorded. local: here, compared with govd; server: govd decides',
    },
    'run-id': { type: 'string', value: 'R', summary: 'Idempotency key of the rollback; made and shown when left out' },
    'expected-policy-rev': { type: 'string', value: 'REV', summary: 'Deny unless exactly this policy set is active' },
    explain: explainFlag,
  },
  examples: [
    { command: 'govctl promotion rollback R --reason "duplicate orders in the morning load"', what: 'asks before it does' },
    { command: 'govctl promotion rollback R --reason "duplicate orders" --dry-run', what: 'what the gate would answer' },
    { command: 'govctl promotion rollback R --reason "duplicate orders" --yes -o json', what: 'in a script' },
  ],
  exits: ['deny', 'defer', 'conflict', 'not-found', 'failed'],
  formats: gateFormats,
});

/** Stands first in the help. */
export const promoteCommand = command(promote, () => import('./promote.ts'));

export const promotionCommands = [
  command(why, () => import('./why.ts')),
  command(whyNot, () => import('./why-not.ts')),
  noun('promotion', 'Follow, approve, end and undo promotions', [
    command(promotionLs, () => import('./ls.ts')),
    command(promotionGet, () => import('./get.ts')),
    command(promotionWatch, () => import('./watch.ts')),
    command(promotionApprove, () => import('./approve.ts')),
    command(promotionReject, () => import('./reject.ts')),
    command(promotionPause, () => import('./pause.ts')),
    command(promotionResume, () => import('./resume.ts')),
    command(promotionCancel, () => import('./cancel.ts')),
    command(promotionRollback, () => import('./rollback.ts')),
  ]),
];

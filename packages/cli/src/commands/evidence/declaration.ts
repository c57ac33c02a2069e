import type { RecordKind } from '@govctl/core/evidence';
import { command, defineCommand, noun } from '../../command.ts';

// Written out: declarations load nothing, so that every command starts at once.
const recordKinds = [
  'decision',
  'promotion',
  'approval',
  'waiver',
  'ref-resolution',
  'key-event',
  'run-result',
  'audit',
  'registry-event',
  'governance-fact',
  'verification-summary',
] as const satisfies readonly RecordKind[];

const trust = {
  type: 'string',
  value: 'FILE',
  summary: "Trust root to verify with, instead of the context's",
  completes: 'file',
} as const;
const offline = { type: 'boolean', summary: 'Opens no connection; this command never does, with or without the flag' } as const;
const format = {
  type: 'string',
  value: 'FORMAT',
  choices: ['govctl', 'sigstore'],
  default: 'govctl',
  summary: "What is written: ours, or bundles that sigstore's programs verify",
} as const;
const out = { type: 'string', value: 'FILE', short: 'O', summary: 'File to write; - is standard output', completes: 'file' } as const;

export const evidenceGet = defineCommand({
  name: 'get',
  summary: 'Fetch a record with everything that proves it',
  description: [
    'Asks for a signed URL (the resolution is on record before the URL exists), fetches it once, checks the digest, verifies signature,',
    'inclusion and checkpoint against the pinned trust root, and only then writes. There is no way to skip the verification.',
    'When the connection breaks, only the rest is asked for, with the same URL.',
  ].join('\n'),
  args: { ref: { summary: 'sha256: and 64 hex digits: decision_ref, or ref of evidence ls' } },
  flags: {
    out: { ...out, default: '-' },
    url: {
      type: 'boolean',
      summary: 'Print the signed URL only; it works once, for a minute. It is the permission: keep it out of chats and logs',
    },
    certificate: {
      type: 'string',
      value: 'FILE',
      summary: 'With --url: only whoever has the key of this certificate (PEM) can open it; where govd asks for client certificates',
      completes: 'file',
    },
    format,
    trust,
  },
  examples: [
    { command: 'govctl evidence get REF -O evidence.json', what: 'a file that verifies anywhere, offline' },
    { command: 'govctl evidence get REF -O - | jq -r .envelope.payload | base64 -d', what: 'the signed statement itself' },
  ],
  exits: ['not-found', 'integrity'],
});

export const evidenceLs = defineCommand({
  name: 'ls',
  summary: 'List records, newest first',
  flags: {
    run: { type: 'string', value: 'R', summary: 'Only of this run', completes: 'run' },
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    kind: { type: 'string', value: 'KIND', choices: recordKinds, summary: 'Only records of this kind' },
    limit: { type: 'integer', value: 'N', min: 1, default: 50, summary: 'Records a page' },
    cursor: { type: 'string', value: 'C', summary: 'Where the page before ended' },
  },
  examples: [
    { command: 'govctl evidence ls --run R', what: 'what a run left' },
    { command: 'govctl evidence ls --dataset orders --kind ref-resolution', what: 'who read the evidence of a dataset' },
  ],
});

export const evidenceVerify = defineCommand({
  name: 'verify',
  summary: 'Verify an evidence file or an export, offline',
  description: 'Trusts only the pinned root: keys inside the file are hints. Names the first thing that fails.',
  args: { file: { summary: 'File of evidence get or evidence export, a run or a time; - is standard input', completes: 'file' } },
  flags: {
    trust,
    offline,
    ref: { type: 'string', value: 'REF', summary: 'Fail unless the file is the evidence of this record' },
    subject: { type: 'string', value: 'DIGEST', summary: 'Fail unless it is about this content (a snapshot_hash)' },
  },
  examples: [
    { command: 'govctl evidence verify evidence.json --offline', what: 'every check, with the pinned root of the context' },
    { command: 'govctl evidence verify run.json --trust trust.json -o json', what: 'a whole run, with a root given by hand' },
  ],
  exits: ['integrity'],
});

export const evidenceExport = defineCommand({
  name: 'export',
  summary: 'Fetch everything a run left, or every record of a time, in one file',
  description: [
    'Of a run: envelopes, proofs, checkpoint, facts and policy bytes: enough to verify and to decide again, offline.',
    'With --since every record of the log from the first to the last of that time, a line each, with proofs to one checkpoint, policies, facts',
    'and a signed manifest: one taken out, put in or changed shows. With --dataset or --tenant only its records; the manifest says how many.',
    'Verified before it is kept.',
  ].join('\n'),
  args: { run: { summary: 'run_id; left out with --since', optional: true, completes: 'run' } },
  flags: {
    since: { type: 'time', value: 'T', summary: 'Records from this time on, of all runs' },
    until: { type: 'time', value: 'T', summary: 'Records before this time; now when left out' },
    dataset: { type: 'string', value: 'D', summary: 'With --since: only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'With --since: only of this tenant' },
    out: { ...out, default: '-' },
    format,
    trust,
  },
  examples: [
    { command: 'govctl evidence export R -O run.json', what: 'of one run' },
    { command: 'govctl evidence export R --format sigstore -O run.jsonl', what: 'a sigstore bundle a record, one a line' },
    { command: 'govctl evidence export R -O run.json && govctl decision replay run.json', what: 'and decide it again' },
    {
      command: 'govctl evidence export --since 2026-07-01T00:00:00Z --until 2026-10-01T00:00:00Z -O q3.ndjson',
      what: 'a quarter, for an auditor',
    },
  ],
  exits: ['not-found', 'integrity'],
});

export const evidenceTrustedRoot = defineCommand({
  name: 'trusted-root',
  summary: "Write the pinned trust root as sigstore's programs read it",
  description: [
    'Made from the pinned root alone, offline. It names the log keys; the keys that sign records have no place in that format: --keys writes',
    'them as PEM files, named by the hint that a bundle has. The ranges of our keys cannot be said there either: evidence verify checks them.',
  ].join('\n'),
  flags: {
    out: { ...out, default: '-' },
    keys: { type: 'string', value: 'DIR', summary: 'Folder for the keys that sign records: HINT.pem', completes: 'file' },
    trust,
  },
  examples: [
    { command: 'govctl evidence trusted-root -O trusted_root.json --keys keys', what: 'for @sigstore/verify' },
    { command: 'govctl evidence trusted-root --trust trust.json', what: 'from a root given by hand, on standard output' },
  ],
});

export const evidenceCapabilities = defineCommand({
  name: 'capabilities',
  summary: 'List signed URLs that open something now',
  description:
    'Who holds a URL to which record, until when, and whether it was used. The URL itself is known to whoever asked for it, and to nobody else.',
  flags: {
    ref: { type: 'string', value: 'REF', summary: 'Only of this record' },
    actor: { type: 'string', value: 'ACTOR', summary: 'Only of this actor' },
    all: { type: 'boolean', summary: 'Revoked ones and those of the last hour too' },
  },
  examples: [{ command: 'govctl evidence capabilities --all', what: 'what was handed out in the last hour, and what became of it' }],
});

export const evidenceRevoke = defineCommand({
  name: 'revoke',
  summary: 'End signed URLs that were made already',
  description: [
    'Works at once, also for a download that was begun and would be continued. Recorded with the reason. Whoever may read the record can',
    'ask for a new URL: to end that too, revoke the key (govctl apikey revoke).',
  ].join('\n'),
  flags: {
    jti: { type: 'string', value: 'JTI', summary: 'One URL, by the id that evidence capabilities shows' },
    actor: { type: 'string', value: 'ACTOR', summary: 'All URLs of this actor' },
    ref: { type: 'string', value: 'REF', summary: 'All URLs to this record' },
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
  },
  examples: [
    { command: 'govctl evidence revoke --jti 3f2a90c1d4e506173f2a90c1d4e50617 --reason "URL was posted in a chat"', what: 'one URL' },
    { command: 'govctl evidence revoke --actor SYSTEM::etl --reason "host was taken over"', what: 'whatever an actor still holds' },
  ],
  exits: ['not-found'],
});

export const evidenceDisposition = defineCommand({
  name: 'disposition',
  summary: 'Erase payloads that were kept long enough, on record: plan, apply, ls',
  description: [
    'plan shows what may go now under retention.rules of govd.yaml, and what is kept in spite of its age: a dataset on hold, and whatever is',
    'ACTIVE, open or still valid. apply puts the list on record, signed, and only then erases, in small commits; after an interruption run it',
    'again. Leaves, proofs and checkpoints stay: log verify tells an erasure from a loss. Backups made before still have the payloads.',
  ].join('\n'),
  args: { action: { summary: 'plan, apply or ls' } },
  flags: {
    reason: { type: 'string', value: 'TEXT', summary: 'Why; goes into the record (apply)' },
    limit: { type: 'integer', value: 'N', min: 1, summary: 'At most so many (ls; 50)' },
  },
  examples: [
    { command: 'govctl evidence disposition plan', what: 'what a rule would erase today' },
    { command: 'govctl evidence disposition apply --reason "yearly clean-up"', what: 'erase it, on record' },
    { command: 'govctl evidence disposition ls', what: 'what was erased, by whom, under which rule' },
  ],
  exits: ['conflict'],
});

export const evidenceCommands = [
  noun('evidence', 'Signed, logged records of what was decided and done', [
    command(evidenceGet, () => import('./get.ts')),
    command(evidenceLs, () => import('./ls.ts')),
    command(evidenceVerify, () => import('./verify.ts')),
    command(evidenceExport, () => import('./export.ts')),
    command(evidenceTrustedRoot, () => import('./trusted-root.ts')),
    command(evidenceCapabilities, () => import('./capabilities.ts')),
    command(evidenceRevoke, () => import('./revoke.ts')),
    command(evidenceDisposition, () => import('./disposition.ts')),
  ]),
];

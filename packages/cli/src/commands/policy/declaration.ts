import { command, defineCommand, noun } from '../../command.ts';

const packFile = { summary: 'Pack as YAML; - is standard input', completes: 'file' } as const;

export const policyLint = defineCommand({
  name: 'lint',
  summary: 'Check the form of a policy pack, without a daemon',
  description:
    'Every fault at once, with its place: fields, CEL, names that do not exist, fixtures that do not fit. docs/policy.md describes every field and variable.',
  args: { file: packFile },
  examples: [
    { command: 'govctl policy lint pack.yaml', what: 'exit 2 names every fault' },
    { command: 'govctl policy lint - < pack.yaml', what: 'from standard input' },
  ],
});

export const policyTest = defineCommand({
  name: 'test',
  summary: 'Run the fixtures of a policy pack, without a daemon',
  description:
    'Every rule must pass what its must-pass fixtures show it, fail what its must-fail fixtures show it, and have both. Activation asks the same.',
  args: { file: packFile },
  examples: [
    { command: 'govctl policy test pack.yaml', what: 'exit 22 when a rule does not say what it should' },
    { command: 'govctl policy test pack.yaml -o json', what: 'every fixture with what its rule said' },
  ],
  exits: ['findings'],
});

export const policyShow = defineCommand({
  name: 'show',
  summary: 'Show the active policy set, or one pack',
  args: { pack: { summary: 'Name (its active version) or digest of a pack; the active set when left out', optional: true } },
  flags: { source: { type: 'boolean', summary: 'Print the YAML of the pack, byte for byte' } },
  examples: [
    { command: 'govctl policy show', what: 'the active packs and the policy_rev' },
    { command: 'govctl policy show gdp-default --source > pack.yaml', what: 'the pack as it was activated' },
  ],
  exits: ['not-found'],
});

export const policyDiff = defineCommand({
  name: 'diff',
  summary: 'Show what another pack demands differently',
  description:
    'Rules added, removed and changed, field by field; fixtures are not part of it. Each side is a file (a path with / or ending in .yaml, .yml, or -), a name or a digest.',
  args: {
    from: { summary: 'A pack; alone, the new one, compared with the active pack of its name', completes: 'file' },
    to: { summary: 'The other pack', optional: true, completes: 'file' },
  },
  examples: [
    { command: 'govctl policy diff pack.yaml', what: 'what activating it would change' },
    { command: 'govctl policy diff gdp-default sha256:...', what: 'the active version against a stored one' },
  ],
  exits: ['not-found'],
});

export const policyActivate = defineCommand({
  name: 'activate',
  summary: 'Put a policy pack into force',
  description: [
    'The pack replaces the active one of its name, and policy_rev changes: recorded as POLICY_REV_CHANGED. Refused when it does not lint,',
    'when a rule does not say what its fixtures ask, and when its version is stored with other content. Runs that wait are judged again.',
  ].join('\n'),
  args: { file: packFile },
  flags: {
    'expected-policy-rev': {
      type: 'string',
      value: 'REV',
      summary: "Refuse unless exactly this set is active; 'none' for no set at all",
    },
  },
  examples: [
    { command: 'govctl policy activate pack.yaml', what: 'again is no change' },
    { command: 'govctl policy activate pack.yaml --expected-policy-rev sha256:...', what: 'only if nobody was faster' },
  ],
  exits: ['conflict'],
});

export const policyDeactivate = defineCommand({
  name: 'deactivate',
  summary: 'Take a policy pack out of force',
  description: [
    'The active set goes on without it, and policy_rev changes: recorded as POLICY_REV_CHANGED, with the reason. A job it judges pauses before its',
    'next step (POLICY_DISABLED) until an administrator resumes it, and one that comes to its end is denied; promotions under a contract that pins it',
    'wait. The pack stays stored: govctl policy activate puts it into force again.',
  ].join('\n'),
  args: { pack: { summary: 'Name of an active pack' } },
  flags: {
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    'expected-policy-rev': { type: 'string', value: 'REV', summary: 'Refuse unless exactly this set is active' },
  },
  examples: [
    { command: 'govctl policy deactivate gdp-default --reason "its cost rule is wrong"', what: 'again is no change' },
    { command: 'govctl policy deactivate gdp-default --reason "superseded by gdp-strict" -o json', what: 'the set that is in force now' },
  ],
  exits: ['not-found', 'conflict'],
});

export const policyLs = defineCommand({
  name: 'ls',
  summary: 'List every policy pack that was ever active',
  flags: {
    name: { type: 'string', value: 'NAME', summary: 'Only versions of this pack' },
    active: { type: 'boolean', summary: 'Only what is in force' },
  },
  examples: [
    { command: 'govctl policy ls', what: 'packs, versions and digests' },
    { command: 'govctl policy ls --active -o name', what: 'names of the packs in force' },
  ],
});

export const policyReplay = defineCommand({
  name: 'replay',
  summary: 'Show which past decisions would come out otherwise under a candidate pack',
  description: [
    'Decides recorded decisions again, from the facts they were made from and by the same kernel, with the candidate in place of the pack of its name. Nothing is recorded, and nothing is activated.',
    'Exit 22 when a verdict would flip. Facts are read page by page: any length of history will do.',
  ].join('\n\n'),
  flags: {
    candidate: { type: 'string', value: 'FILE', required: true, summary: 'The pack as YAML; - is standard input', completes: 'file' },
    last: { type: 'string', value: '30d|N', default: '30d', summary: 'Decisions of this time, or so many of the newest' },
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
  },
  examples: [
    { command: 'govctl policy replay --candidate pack.yaml --last 30d', what: 'what activating it would have changed in a month' },
    { command: 'govctl policy replay --candidate pack.yaml --last 200 -o json', what: 'of the newest 200 decisions, for a script' },
  ],
  exits: ['findings'],
});

export const policyCommands = [
  noun('policy', 'Rules that decisions are made by', [
    command(policyLint, () => import('./lint.ts')),
    command(policyTest, () => import('./test.ts')),
    command(policyShow, () => import('./show.ts')),
    command(policyDiff, () => import('./diff.ts')),
    command(policyReplay, () => import('./replay.ts')),
    command(policyActivate, () => import('./activate.ts')),
    command(policyDeactivate, () => import('./deactivate.ts')),
    command(policyLs, () => import('./ls.ts')),
  ]),
];

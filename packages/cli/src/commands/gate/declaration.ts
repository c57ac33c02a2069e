import { command, defineCommand, noun } from '../../command.ts';
import { gateFormats } from '../../flag.ts';

const layers = ['RAW', 'GDP', 'KPI'] as const;
const code = { summary: 'Code of a gate (govctl gate ls), or of a rule: rule:PACK/RULE', completes: 'gate' } as const;

export const gateLs = defineCommand({
  name: 'ls',
  summary: 'List the gates of govd: what each asks, and what comes of another answer',
  examples: [
    { command: 'govctl gate ls', what: 'every structural gate' },
    { command: 'govctl gate ls -o name', what: 'their codes' },
  ],
});

export const gateCheck = defineCommand({
  name: 'check',
  summary: 'Ask one gate about a promotion, and exit by its answer',
  description: [
    'The gate judges the facts of the promotion as it stands now; nothing is recorded. Exit 0 when it passes or is not asked, 3 when it fails,',
    '8 when it defers. One gate alone is no permission: promote --dry-run asks all of them.',
  ].join('\n'),
  args: {
    code,
    dataset: {
      summary: 'Dataset to promote, or the object of a preflight; needed unless --facts says it',
      optional: true,
      completes: 'dataset',
    },
  },
  flags: {
    from: { type: 'string', value: 'L', choices: layers, summary: 'Layer the snapshot is in' },
    to: { type: 'string', value: 'L', choices: layers, summary: 'Layer it shall be in' },
    snapshot: { type: 'string', value: 'S', summary: 'Snapshot id', completes: 'snapshot' },
    tenant: { type: 'string', value: 'T', summary: "Tenant; the context's when left out" },
    evidence: { type: 'string', value: 'FILE', summary: 'A complete evidence bundle, instead of the one govd builds', completes: 'file' },
    facts: {
      type: 'string',
      value: 'FILE',
      summary: 'Facts kept by promote --dry-run --save-facts, judged here without a daemon',
      completes: 'file',
    },
    action: { type: 'string', value: 'ACTION', summary: 'For a gate of preflight: the action it guards, rp.cleanup or dot.mutate' },
    'effective-time': { type: 'time', value: 'T', summary: 'Judge as of this moment' },
  },
  examples: [
    { command: 'govctl gate check quality orders --from RAW --to GDP --snapshot S', what: 'are the tests good enough' },
    { command: 'govctl gate check preflight-lock dot_tools/crm_sync --action dot.mutate', what: 'does anybody hold it' },
    { command: 'govctl gate check freshness --facts facts.json -o junit', what: 'offline, for a build server' },
  ],
  exits: ['deny', 'defer'],
  formats: gateFormats,
});

export const gateExplain = defineCommand({
  name: 'explain',
  summary: 'Explain a gate: what it asks, every answer it can give, and how each is mended',
  description:
    'Works without a daemon: the answers are those the gate gives to the cases that govctl itself is tested with, each with an example. A rule is looked up in its pack, which govd is asked for.',
  args: { code },
  examples: [
    { command: 'govctl gate explain quality', what: 'every reason it can have' },
    { command: 'govctl gate explain rule:gdp-default/not-empty', what: 'a rule of an active pack' },
  ],
  exits: ['not-found'],
});

export const gateCommands = [
  noun('gate', 'The questions every promotion has to answer', [
    command(gateLs, () => import('./ls.ts')),
    command(gateCheck, () => import('./check.ts')),
    command(gateExplain, () => import('./explain.ts')),
  ]),
];

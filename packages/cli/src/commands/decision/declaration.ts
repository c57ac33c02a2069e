import { command, defineCommand, noun } from '../../command.ts';
import { gateFormats } from '../../flag.ts';

export const decisionGet = defineCommand({
  name: 'get',
  summary: 'Show a recorded decision, gate by gate',
  args: { id: { summary: 'decision_ref, or a run_id: then its newest decision', completes: 'run' } },
  examples: [
    { command: 'govctl decision get R', what: 'the newest decision on a run' },
    { command: 'govctl decision get REF -o json --field gates[0].reason', what: 'one gate of a certain one' },
    { command: 'govctl decision get R -o sarif > decision.sarif', what: 'for a build server' },
  ],
  exits: ['not-found'],
  formats: gateFormats,
});

export const decisionReplay = defineCommand({
  name: 'replay',
  summary: 'Decide again from the recorded facts, and compare',
  description: [
    'Verifies the file first, then gives its facts and policies to the kernel of this program: the verdict must come out the same, gate by',
    'gate. An export brings facts and policies along; a single evidence file needs --facts. Opens no connection.',
  ].join('\n'),
  args: { file: { summary: 'File of evidence export, or of evidence get with --facts; - is standard input', completes: 'file' } },
  flags: {
    facts: { type: 'string', value: 'FILE', summary: 'Facts for a single evidence file: as an export has them', completes: 'file' },
    pack: {
      type: 'list',
      value: 'FILE',
      summary: 'Policy pack the decision was made with, where the facts do not carry it; repeat for more',
      completes: 'file',
    },
    trust: { type: 'string', value: 'FILE', summary: "Trust root to verify with, instead of the context's", completes: 'file' },
    offline: { type: 'boolean', summary: 'Opens no connection; this command never does, with or without the flag' },
  },
  examples: [{ command: 'govctl evidence export R -O run.json && govctl decision replay run.json', what: 'every decision of a run' }],
  exits: ['integrity'],
  formats: gateFormats,
});

export const decisionCommands = [
  noun('decision', 'What was decided, and from what', [
    command(decisionGet, () => import('./get.ts')),
    command(decisionReplay, () => import('./replay.ts')),
  ]),
];

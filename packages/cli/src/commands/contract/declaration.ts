import { command, defineCommand, noun } from '../../command.ts';

const contractArgument = { summary: 'contract_id', completes: 'contract' } as const;

export const contractApply = defineCommand({
  name: 'apply',
  summary: 'Apply a governance contract to its dataset',
  description: [
    'Pins the policy packs it names to the digests that are active now, spells out every default, and keeps it as the next version.',
    'The same content again is no change. What this version cannot meet is refused by name. docs/contract.md describes every field.',
  ].join('\n'),
  flags: {
    file: {
      type: 'string',
      value: 'FILE',
      short: 'f',
      required: true,
      summary: 'Contract as YAML; - is standard input',
      completes: 'file',
    },
    'expected-version': { type: 'integer', value: 'N', min: 0, summary: 'Refuse unless this is the newest version; 0 for none' },
  },
  examples: [
    { command: 'govctl contract apply -f contract.yaml', what: 'again is no change' },
    { command: 'govctl contract apply -f contract.yaml --expected-version 3', what: 'only if nobody was faster' },
  ],
  exits: ['conflict'],
});

export const contractLs = defineCommand({
  name: 'ls',
  summary: 'List contracts in their newest version',
  flags: {
    dataset: { type: 'string', value: 'D', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    contract: { type: 'string', value: 'C', summary: 'Every version of this one, oldest first', completes: 'contract' },
  },
  examples: [
    { command: 'govctl contract ls', what: 'which datasets are governed' },
    { command: 'govctl contract ls --contract orders', what: 'its versions' },
  ],
});

export const contractGet = defineCommand({
  name: 'get',
  summary: 'Show a contract, as it holds',
  args: { contract: contractArgument },
  flags: { version: { type: 'integer', value: 'N', min: 1, summary: 'This version, instead of the newest' } },
  examples: [
    { command: 'govctl contract get orders -o yaml', what: 'every setting, defaults too' },
    { command: 'govctl contract get orders --version 1', what: 'what was demanded before' },
  ],
  exits: ['not-found'],
});

export const contractDiff = defineCommand({
  name: 'diff',
  summary: 'Show what changed between two versions of a contract',
  args: { contract: contractArgument },
  flags: {
    from: { type: 'integer', value: 'N', min: 1, summary: 'The one before --to, unless said' },
    to: { type: 'integer', value: 'N', min: 1, summary: 'The newest, unless said' },
  },
  examples: [
    { command: 'govctl contract diff orders', what: 'what the newest version changed' },
    { command: 'govctl contract diff orders --from 1', what: 'everything since the first' },
  ],
  exits: ['not-found'],
});

export const contractCommands = [
  noun('contract', 'What a dataset owes before it is promoted', [
    command(contractApply, () => import('./apply.ts')),
    command(contractLs, () => import('./ls.ts')),
    command(contractGet, () => import('./get.ts')),
    command(contractDiff, () => import('./diff.ts')),
  ]),
];

import { command, defineCommand, noun } from '../../command.ts';

export const snapshotCreate = defineCommand({
  name: 'create',
  summary: 'Hash a folder, upload what is missing and register it',
  description:
    'The same files give the same snapshot, however often they are registered. Symbolic links and special files are refused, and a file\n' +
    'that changes meanwhile is an error: a snapshot is what was there at one moment.',
  args: { dir: { summary: 'Folder with the files of the dataset', completes: 'file' } },
  flags: {
    dataset: { type: 'string', value: 'DATASET', required: true, summary: 'Dataset the files belong to', completes: 'dataset' },
    layer: { type: 'string', value: 'LAYER', choices: ['RAW', 'GDP', 'KPI'], default: 'RAW', summary: 'Layer to register it in' },
    tenant: { type: 'string', value: 'T', summary: "Tenant; the context's when left out" },
    schema: { type: 'string', value: 'FILE', summary: 'JSON object that says what the columns are; part of the hash', completes: 'file' },
  },
  examples: [
    { command: 'govctl snapshot create ./orders --dataset orders --layer RAW', what: 'register ./orders' },
    { command: 'govctl snapshot create ./orders --dataset orders --field snapshot_id', what: 'only the id, for a script' },
  ],
  exits: ['conflict', 'integrity'],
});

export const snapshotVerify = defineCommand({
  name: 'verify',
  summary: 'Read every byte of a snapshot again',
  description: 'Equal bytes make it verified; anything else withdraws that, and later gates see it. Either is recorded.',
  args: { snapshot: { summary: 'Snapshot id', completes: 'snapshot' } },
  examples: [{ command: 'govctl snapshot verify S', what: 'exit 20 when a file is lost or changed' }],
  exits: ['integrity', 'not-found'],
});

export const snapshotLs = defineCommand({
  name: 'ls',
  summary: 'List snapshots, newest first',
  flags: {
    dataset: { type: 'string', value: 'DATASET', summary: 'Only of this dataset', completes: 'dataset' },
    tenant: { type: 'string', value: 'T', summary: 'Only of this tenant' },
    limit: { type: 'integer', value: 'N', default: 50, min: 1, summary: 'At most so many' },
    cursor: { type: 'string', value: 'C', summary: 'Go on where next_cursor of an earlier list said' },
  },
  examples: [{ command: 'govctl snapshot ls --dataset orders', what: 'what there is of orders' }],
});

export const snapshotGet = defineCommand({
  name: 'get',
  summary: 'Show a snapshot and where it stands',
  args: { snapshot: { summary: 'Snapshot id', completes: 'snapshot' } },
  flags: { files: { type: 'boolean', summary: 'List its files too, from the manifest, checked against the hash' } },
  examples: [
    { command: 'govctl snapshot get S', what: 'hash, size, verification, quarantine' },
    { command: 'govctl snapshot get S --files -o json', what: 'every file with its digest' },
  ],
  exits: ['not-found', 'integrity'],
});

export const snapshotRelease = defineCommand({
  name: 'release',
  summary: 'Lift the quarantine of a snapshot',
  description: 'Clears what a rollback set on the version it left: quarantine and flag. A hold on the target is lifted by hold lift.',
  args: { snapshot: { summary: 'Snapshot id', completes: 'snapshot' } },
  flags: { reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' } },
  examples: [{ command: 'govctl snapshot release S --reason "loader fixed, checked by hand"', what: 'it may be promoted again' }],
  exits: ['not-found', 'conflict'],
});

export const snapshotCommands = [
  noun('snapshot', 'Content of datasets, fixed by its hash', [
    command(snapshotCreate, () => import('./create.ts')),
    command(snapshotVerify, () => import('./verify.ts')),
    command(snapshotLs, () => import('./ls.ts')),
    command(snapshotGet, () => import('./get.ts')),
    command(snapshotRelease, () => import('./release.ts')),
  ]),
];

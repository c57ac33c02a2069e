import { command, defineCommand, noun } from '../../command.ts';

const trust = {
  type: 'string',
  value: 'FILE',
  summary: "Trust root to verify with, instead of the context's",
  completes: 'file',
} as const;

export const logCheckpoint = defineCommand({
  name: 'checkpoint',
  summary: 'Show the newest signed checkpoint of the evidence log',
  description:
    'Verified with the pinned trust root. -o note prints the signed note itself (C2SP): keep it, and prove later that the log grew from it.',
  flags: {
    'max-age': {
      type: 'duration',
      value: 'T',
      summary: 'Fail unless the witnesses of the root saw it within this time: a frozen view shows',
    },
    trust,
  },
  formats: ['note'],
  examples: [
    { command: 'govctl log checkpoint', what: 'how long the log is, and its root' },
    { command: 'govctl log checkpoint -o note > checkpoint', what: 'keep it for log prove --since' },
  ],
  exits: ['integrity'],
});

export const logVerify = defineCommand({
  name: 'verify',
  summary: 'Read the whole evidence log again and believe none of it',
  description: [
    'govd reads every stored value again: hashes, signatures, payloads, facts, each node and each root that was ever committed, and that',
    'promotions and their records match one to one in both directions. The checkpoint of the result is verified here, with the pinned root.',
  ].join('\n'),
  flags: { trust },
  examples: [
    { command: 'govctl log verify', what: 'with progress, and leaves per second' },
    { command: 'govctl log verify -o json --field verified', what: 'one word, for a script' },
  ],
  exits: ['integrity'],
});

export const logProve = defineCommand({
  name: 'prove',
  summary: 'Prove that a record is in the log, or that the log grew from an older checkpoint',
  description: 'The proof is verified here before it is shown. -o proof prints it as a C2SP tlog-proof file.',
  args: { ref: { summary: 'Record; left out with --index or --since', optional: true } },
  flags: {
    index: { type: 'integer', value: 'N', min: 0, summary: 'Leaf index, instead of a ref' },
    size: { type: 'integer', value: 'N', min: 1, summary: 'In the tree of this size; the newest when left out' },
    since: {
      type: 'string',
      value: 'FILE',
      summary: 'An older checkpoint (log checkpoint -o note): prove that the log only grew',
      completes: 'file',
    },
    trust,
  },
  formats: ['proof'],
  examples: [
    { command: 'govctl log prove REF -o proof > record.tlog-proof', what: 'inclusion, for any verifier of tlog-proof' },
    { command: 'govctl log prove --since checkpoint', what: 'nothing that was signed then was changed or taken out' },
  ],
  exits: ['not-found', 'integrity'],
});

export const logMirror = defineCommand({
  name: 'mirror',
  summary: 'Copy the whole log into a folder that any web server can serve',
  description: [
    'Checkpoint, tiles and entries as files in the layout of C2SP tlog-tiles. What is fetched is verified before it is kept: the tree is',
    'recomputed from the entries and must be the one of the signed checkpoint. Run again, it fetches what is new, and refuses a log that',
    'did not grow from what the folder holds: a mirror shows a rewritten log. Holds digests and signatures, never payloads.',
  ].join('\n'),
  args: { dir: { summary: 'Folder; made when it is not there', completes: 'file' } },
  flags: { trust },
  examples: [
    { command: 'govctl log mirror /srv/log', what: 'serve it as https://.../checkpoint and https://.../tile/...' },
    { command: 'govctl log mirror /srv/log -q', what: 'again, from a timer' },
  ],
  exits: ['integrity'],
});

export const logWitness = defineCommand({
  name: 'witness',
  summary: 'Run a witness: cosign the checkpoints of logs that only grow',
  description: [
    'A service for other deployments, on a machine of its own (C2SP tlog-witness). It remembers the largest tree of each log it cosigned,',
    'on disk before it answers, and cosigns nothing that did not grow from it. ACTION is one of:',
    '  init   make a key under a name that stays (--name)',
    '  add    serve one more log, by its verifier key (--vkey); a witness that runs takes it up at once',
    '  show   its verifier key, and what it cosigned last of each log',
    '  run    serve POST add-checkpoint on --listen; put TLS in front of it',
    'Whose checkpoints need witnesses says `log.witnesses` in govd.yaml; who believes them, `witnesses` in trust.json.',
  ].join('\n'),
  args: { action: { summary: 'init, add, show or run' } },
  flags: {
    'state-dir': { type: 'string', value: 'D', required: true, summary: 'Folder of the witness', completes: 'file' },
    listen: { type: 'string', value: 'ADDRESS', default: '127.0.0.1:8471', summary: 'HOST:PORT, or unix:PATH' },
    name: { type: 'string', value: 'NAME', summary: 'Name of the key, like witness.example/w1 (init)' },
    vkey: { type: 'string', value: 'VKEY', summary: 'Verifier key of a log (add)' },
  },
  examples: [
    { command: 'govctl log witness init --state-dir w --name witness.example/w1', what: 'prints the key that others pin' },
    { command: 'govctl log witness add --state-dir w --vkey "$(jq -r .log.vkey trust.json)"', what: 'a log to cosign' },
    { command: 'govctl log witness run --state-dir w --listen 127.0.0.1:8471', what: 'a line for each request, until it is stopped' },
  ],
  exits: ['conflict', 'integrity'],
});

export const logCommands = [
  noun('log', 'The evidence log: append-only, signed, provable', [
    command(logCheckpoint, () => import('./checkpoint.ts')),
    command(logVerify, () => import('./verify.ts')),
    command(logProve, () => import('./prove.ts')),
    command(logMirror, () => import('./mirror.ts')),
    command(logWitness, () => import('./witness.ts')),
  ]),
];

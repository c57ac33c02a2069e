import { command, defineCommand, noun } from '../../command.ts';

export const contextUse = defineCommand({
  name: 'use',
  summary: 'Make a context the current one',
  args: { name: { summary: 'Context name', completes: 'context' } },
  examples: [{ command: 'govctl context use prod', what: 'every later command talks to prod' }],
  exits: ['not-found'],
});

export const contextLs = defineCommand({
  name: 'ls',
  summary: 'List the contexts of the configuration',
  examples: [{ command: 'govctl context ls -o name', what: 'only the names' }],
});

export const contextShow = defineCommand({
  name: 'show',
  summary: 'Show which daemon commands talk to, and what decided it',
  description: 'Flag, then environment, then the current context, then the default socket: shows which of them won, and what it overrides.',
  examples: [
    { command: 'govctl context show', what: 'where a command would go' },
    { command: 'govctl context show --field endpoint', what: 'the socket or the URL' },
  ],
});

export const contextAdd = defineCommand({
  name: 'add',
  summary: 'Add a context, and pin the trust root of its daemon',
  description:
    'The trust root (trust.json of the state folder) is checked and copied beside the configuration: evidence of this context is verified with that copy, whatever becomes of the original.',
  args: { name: { summary: 'Context name' } },
  flags: {
    url: { type: 'string', value: 'URL', summary: 'https address, for a daemon on TCP (else --socket)' },
    'api-key-file': { type: 'string', value: 'FILE', summary: 'File with the API key', completes: 'file' },
    'trust-file': { type: 'string', value: 'FILE', summary: 'Trust root to pin', completes: 'file' },
    'ca-file': { type: 'string', value: 'FILE', summary: "Certificates the daemon's must chain to", completes: 'file' },
    'cert-file': { type: 'string', value: 'FILE', summary: 'Client certificate', completes: 'file' },
    'key-file': { type: 'string', value: 'FILE', summary: 'Key of the client certificate', completes: 'file' },
    'server-name': { type: 'string', value: 'NAME', summary: "Name in the daemon's certificate" },
    tenant: { type: 'string', value: 'T', summary: 'Tenant of commands that are given none' },
    use: { type: 'boolean', summary: 'Make it the current context too' },
    replace: { type: 'boolean', summary: 'Replace a context of this name' },
  },
  examples: [
    {
      command:
        'govctl context add local --socket state/govd.sock --api-key-file state/keys/operator.apikey --trust-file state/trust.json --use',
      what: 'a daemon on this host',
    },
    { command: 'govctl context add prod --url https://govd.example:8443 --trust-file prod-trust.json', what: 'one elsewhere' },
  ],
  exits: ['conflict', 'integrity'],
});

export const contextCommands = [
  noun('context', 'Choose the daemon commands talk to', [
    command(contextUse, () => import('./use.ts')),
    command(contextLs, () => import('./ls.ts')),
    command(contextShow, () => import('./show.ts')),
    command(contextAdd, () => import('./add.ts')),
  ]),
];

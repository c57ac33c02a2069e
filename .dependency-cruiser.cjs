/** The walls of ARCHITECTURE.md, checked: cli -> core <- agent. */
module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'core-knows-nobody', severity: 'error', from: { path: '^packages/core' }, to: { path: '^packages/(agent|cli)' } },
    {
      name: 'core-has-no-io',
      comment: 'The kernel takes time, ids, randomness and I/O as arguments; hashing and signature checks of node:crypto are fine.',
      severity: 'error',
      from: { path: '^packages/core/src', pathNot: '\\.(test|fixture)\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer|util)$' },
    },
    { name: 'cli-never-agent', severity: 'error', from: { path: '^packages/cli' }, to: { path: '^packages/agent' } },
    { name: 'agent-never-cli', severity: 'error', from: { path: '^packages/agent' }, to: { path: '^packages/cli' } },
    {
      name: 'only-the-database-folder-opens-sqlite',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/agent/src/db/|\\.test\\.ts$' },
      to: { path: 'better-sqlite3' },
    },
    {
      name: 'only-the-database-folder-opens-postgresql',
      severity: 'error',
      from: { path: '^packages/', pathNot: '^packages/agent/src/db/|\\.(test|fixture)\\.ts$' },
      to: { path: 'node_modules/pg/' },
    },
    { name: 'no-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist[./]' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      extensions: ['.ts', '.js', '.mjs', '.json'],
    },
  },
};

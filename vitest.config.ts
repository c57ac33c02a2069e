import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { postgresAvailability } from './test/postgres/binaries.ts';

/** Imports of migrations, units and YAML files are their text, as in the bundles. */
const plainText = {
  name: 'plain-text',
  enforce: 'pre' as const,
  load(id: string) {
    return /\.(sql|yaml|service|socket|conf)$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};` : null;
  },
};

// Generous time-outs: the machines are shared and slow, and no test asserts speed.
// What is polled for gets most of it: a second, as is the default, is what a slow machine takes for nothing at all.
const patience = { testTimeout: 300_000, hookTimeout: 300_000, expect: { poll: { timeout: 60_000 } } };

// The same end-to-end tests with the state in PostgreSQL. Without a server a developer is told so; CI never goes without.
const postgres = postgresAvailability();
if (postgres.skip) process.stderr.write(`end-to-end tests on PostgreSQL are left out${postgres.note}\n`);
const onPostgres = [
  'access',
  'audit',
  'boundary',
  'control',
  'daemon',
  'dry-run',
  'evidence',
  'governance',
  'handoff',
  'handoff-replay',
  'job',
  'job-control',
  'parity',
  'promotion',
  'receipt',
  'webhook',
  'witness',
].map((name) => `test/${name}.test.ts`);

export default defineConfig({
  test: {
    // One more than processors: most tests wait for programs they started.
    maxWorkers: Math.max(2, availableParallelism()) + 1,
    // For all projects: one PostgreSQL, started by the first test that asks for it.
    globalSetup: ['test/postgres/share.ts'],
    projects: [
      { plugins: [plainText], test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'fixtures/**/*.test.ts'], ...patience } },
      { plugins: [plainText], test: { name: 'e2e', include: ['test/**/*.test.ts'], globalSetup: ['test/global-setup.ts'], ...patience } },
      ...(postgres.skip
        ? []
        : [
            {
              plugins: [plainText],
              test: {
                name: 'e2e-postgres',
                include: onPostgres,
                globalSetup: ['test/global-setup.ts'],
                env: { GOVCTL_TEST_STORE: 'postgres' },
                ...patience,
              },
            },
          ]),
    ],
  },
});

import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

/** Imports of .sql and .yaml files are their text, as in the bundles. */
const plainText = {
  name: 'plain-text',
  enforce: 'pre' as const,
  load(id: string) {
    return /\.(sql|yaml)$/.test(id) ? `export default ${JSON.stringify(readFileSync(id, 'utf8'))};` : null;
  },
};

// Generous time-outs: the machines are shared and slow, and no test asserts speed.
const patience = { testTimeout: 120_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    // For all projects: one PostgreSQL, started by the first test that asks for it.
    globalSetup: ['test/postgres/share.ts'],
    projects: [
      { plugins: [plainText], test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'fixtures/**/*.test.ts'], ...patience } },
      { plugins: [plainText], test: { name: 'e2e', include: ['test/**/*.test.ts'], globalSetup: ['test/global-setup.ts'], ...patience } },
    ],
  },
});

import { defineConfig } from 'vitest/config';

// Generous time-outs: the machines are shared and slow, and no test asserts speed.
const patience = { testTimeout: 120_000, hookTimeout: 180_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['packages/*/src/**/*.test.ts', 'fixtures/**/*.test.ts'], ...patience } },
      { test: { name: 'e2e', include: ['test/**/*.test.ts'], globalSetup: ['test/global-setup.ts'], ...patience } },
    ],
  },
});

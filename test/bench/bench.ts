// Figures, not tests: `npm run bench [-- --only promotion,handoff] [--quick]`. What it finds goes to bench-results/.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { withBundle } from '../bundle.ts';

const root = join(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { only: { type: 'string' }, quick: { type: 'boolean', default: false } } });
const only = values.only?.split(',').filter((name) => name !== '');

await withBundle<typeof import('./suite.ts'), void>(join(import.meta.dirname, 'suite.ts'), async ({ runSuite }) => {
  process.exitCode = (await runSuite({ root, quick: values.quick, ...(only === undefined ? {} : { only }) })) ? 0 : 1;
});

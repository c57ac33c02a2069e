// `npm run faults -- handoff [--seed 1,2,3] [--seconds 20] [--writers 24] [--raids] [--tailer ours,cursor,xmin]`: does a tailer lose,
// double or reorder rows of a changelog that it may not alter? Exits with 1 when ours does, and when the harness could not have seen
// it. --raids terminates our tail's own connections too. What it finds goes to fault-results/.
import { join } from 'node:path';
import { withBundle } from '../bundle.ts';

await withBundle<typeof import('./suite.ts'), void>(join(import.meta.dirname, 'suite.ts'), async ({ runFaults }) => {
  process.exitCode = await runFaults(join(import.meta.dirname, '../..'), process.argv.slice(2));
});

// Runs a tail in a process of its own, so that a test can kill it: node tail-child.fixture.mjs FOLDER ROWS
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

registerHooks({
  load(url, context, next) {
    if (!url.endsWith('.sql')) return next(url, context);
    return { format: 'module', shortCircuit: true, source: `export default ${JSON.stringify(readFileSync(new URL(url), 'utf8'))};` };
  },
});
const { HandoffBench } = await import('./handoff.fixture.ts');
const [folder, rows] = process.argv.slice(2);
const bench = new HandoffBench(folder);
const tail = bench.tail(String(process.pid));
tail.start();
process.stdout.write('tailing\n');
for (;;) {
  if (tail.step(Number(rows)).kind === 'applied') continue;
  await new Promise((resolve) => setTimeout(resolve, 2));
}

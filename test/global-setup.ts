import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { bundleCli } from './cli-here.ts';

const root = join(import.meta.dirname, '..');

/** What is tested is what is written: the programs are built before the first test, unless they are newer than every source. */
export async function setup(): Promise<void> {
  execFileSync(process.execPath, [join(root, 'tools', 'build.ts'), '--if-stale'], { cwd: root, stdio: 'inherit' });
  await bundleCli();
}

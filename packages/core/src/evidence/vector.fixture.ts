import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Folder of published test vectors; undefined, and said aloud, where they are not at hand. In CI their absence is an error: a suite
 * that skips itself proves nothing.
 */
export function vectorFolder(name: string): string | undefined {
  const folder = resolve(process.env.GOVCTL_VECTORS ?? resolve(import.meta.dirname, '../../../../../shared/vectors'), name);
  if (existsSync(folder)) return folder;
  if (process.env.CI !== undefined) throw new Error(`test vectors are missing: ${folder} (set GOVCTL_VECTORS)`);
  process.stderr.write(`skipped: no test vectors at ${folder} (set GOVCTL_VECTORS)\n`);
  return undefined;
}

import { kernelVersion } from '@govctl/core/decision';
import { sqliteMigrations } from '../db/index.ts';

/** `govd version`. */
export function tellVersion(version: string): void {
  process.stdout.write(`govd ${version}, kernel ${kernelVersion}, schema ${sqliteMigrations.at(-1)?.number ?? 0}\n`);
}

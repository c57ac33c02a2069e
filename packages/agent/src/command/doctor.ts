import { exitCodes, schemaVersion } from '@govctl/core/api';
import { examineOffline } from '../compose-doctor.ts';

/** `govd doctor`. */
export async function doctor({ stateDir, json }: { readonly stateDir: string; readonly json: boolean }, now: () => string): Promise<void> {
  const checks = await examineOffline(stateDir, now);
  if (json) process.stdout.write(`${JSON.stringify({ schemaVersion, kind: 'Examination', checks })}\n`);
  else {
    for (const { name, status, detail, fix } of checks)
      process.stdout.write(`${status}  ${name.padEnd(14)}  ${detail}\n${fix === null ? '' : `      fix: ${fix}\n`}`);
  }
  if (checks.some(({ status }) => status === 'fail')) process.exitCode = exitCodes.findings.code;
}

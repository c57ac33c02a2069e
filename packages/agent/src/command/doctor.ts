import { exitCodes, schemaVersion } from '@govctl/core/api';
import type { Command } from 'commander';
import { examineOffline } from '../compose-doctor.ts';

export function addDoctor(program: Command, now: () => string): void {
  program
    .command('doctor')
    .description('Look at a state folder, with the daemon up or down, and say how to mend what is wrong; exit 22 when something is')
    .requiredOption('--state-dir <dir>', 'folder made by govd init, or restored')
    .option('--json', 'print what was found as JSON', false)
    .action(async ({ stateDir, json }: { stateDir: string; json: boolean }) => {
      const checks = await examineOffline(stateDir, now);
      if (json) process.stdout.write(`${JSON.stringify({ schemaVersion, kind: 'Examination', checks })}\n`);
      else {
        for (const { name, status, detail, fix } of checks)
          process.stdout.write(`${status}  ${name.padEnd(14)}  ${detail}\n${fix === null ? '' : `      fix: ${fix}\n`}`);
      }
      if (checks.some(({ status }) => status === 'fail')) process.exitCode = exitCodes.findings.code;
    });
}

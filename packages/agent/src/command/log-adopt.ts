import { Problem } from '@govctl/core/api';
import type { Command } from 'commander';
import { adoptOffline } from '../compose-adopt.ts';

export function addLogAdopt(program: Command, version: string, now: () => string): void {
  program
    .command('log')
    .description('The evidence log')
    .command('adopt')
    .description('Declare that the database is the log from now on, after a restore from a backup; on a stopped daemon')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .requiredOption('--reason <text>', 'why; goes into the record')
    .action(async (options: { stateDir: string; reason: string }) => await adopt(options.stateDir, options.reason, version, now));
}

async function adopt(root: string, reason: string, version: string, now: () => string): Promise<void> {
  if (reason.trim().length < 3 || reason.length > 1024) {
    throw new Problem('usage', {
      detail: 'the reason has 3 to 1024 characters',
      hint: 'govd log adopt --state-dir D --reason "restored from last night"',
    });
  }
  let told = 0;
  const adopted = await adoptOffline(
    { root, version, reason },
    {
      now,
      progress({ leaves, leaves_total }) {
        const tenth = leaves_total === 0 ? 0 : Math.floor((leaves / leaves_total) * 10);
        if (tenth <= told) return;
        told = tenth;
        process.stderr.write(`verifying the log: ${leaves} of ${leaves_total} leaves\n`);
      },
    },
  );
  process.stdout.write(
    `adopted: ${adopted.why}\n  recorded as ${adopted.ref}\n  the log goes on at ${adopted.tree_size} leaves\nnext:\n  govd run --state-dir ${root}\n`,
  );
}

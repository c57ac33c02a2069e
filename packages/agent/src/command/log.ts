import { Problem } from '@govctl/core/api';
import type { Command } from 'commander';
import { adoptOffline } from '../compose-adopt.ts';
import { verifyOffline } from '../compose-verify.ts';
import type { LogVerifyProgress } from '../evidence/verify-log.ts';

/** Verbs of the log that need a stopped daemon. */
export function addLog(program: Command, version: string, now: () => string): void {
  const log = program.command('log').description('The evidence log, on a stopped daemon');
  log
    .command('adopt')
    .description('Declare that the database is the log from now on, after a restore from a backup; on a stopped daemon')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .requiredOption('--reason <text>', 'why; goes into the record')
    .action(async (options: { stateDir: string; reason: string }) => await adopt(options.stateDir, options.reason, version, now));
  log
    .command('verify')
    .description('Read the whole log again, without a private key and without writing; exit 1 when something in it is not as it must be')
    .requiredOption('--state-dir <dir>', 'folder made by govd init, or restored')
    .option('--json', 'print the result as JSON', false)
    .action(async ({ stateDir, json }: { stateDir: string; json: boolean }) => await verify(stateDir, json, now));
}

async function verify(root: string, json: boolean, now: () => string): Promise<void> {
  const result = await verifyOffline(root, { now, progress: tellTenths() });
  if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
  else {
    for (const { check, subject, detail } of result.failures) process.stdout.write(`${check}: ${subject}: ${detail}\n`);
    const said = result.verified ? 'verified' : `${result.failed} findings`;
    process.stdout.write(`${said}: ${result.tree_size} leaves, root ${result.root}\n`);
  }
  if (!result.verified) process.exitCode = 1;
}

/** A line for each tenth of the way. */
function tellTenths(): (progress: LogVerifyProgress) => void {
  let told = 0;
  let phase = '';
  return ({ leaves, leaves_total, phase: now }) => {
    // Signatures are counted anew.
    if (now === 'signatures' && now !== phase) told = 0;
    phase = now;
    const tenth = leaves_total === 0 ? 0 : Math.floor((leaves / leaves_total) * 10);
    if (tenth <= told) return;
    told = tenth;
    const what = now === 'signatures' ? 'verifying the signatures' : 'verifying the log';
    process.stderr.write(`${what}: ${leaves} of ${leaves_total} leaves\n`);
  };
}

async function adopt(root: string, reason: string, version: string, now: () => string): Promise<void> {
  if (reason.trim().length < 3 || reason.length > 1024) {
    throw new Problem('usage', {
      detail: 'the reason has 3 to 1024 characters',
      hint: 'govd log adopt --state-dir D --reason "restored from last night"',
    });
  }
  const adopted = await adoptOffline({ root, version, reason }, { now, progress: tellTenths() });
  process.stdout.write(
    `adopted: ${adopted.why}\n  recorded as ${adopted.ref}\n  the log goes on at ${adopted.tree_size} leaves\nnext:\n  govd run --state-dir ${root}\n`,
  );
}

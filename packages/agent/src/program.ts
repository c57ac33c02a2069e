import { kernelVersion } from '@govctl/core/decision';
import { Command } from 'commander';
import { addDoctor } from './command/doctor.ts';
import { addInit } from './command/init.ts';
import { addInstall } from './command/install.ts';
import { addLog } from './command/log.ts';
import { addMigrate } from './command/migrate.ts';
import { report } from './command/report.ts';
import { addRun } from './command/run.ts';
import { sqliteMigrations } from './db/index.ts';

declare const __VERSION__: string | undefined;

/** Set by the build; a run from source says so. */
const version = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__;

const now = () => new Date().toISOString();

/** govd's command line: what it can be told. The manual is made from it. */
export function daemonProgram(): Command {
  const program = new Command('govd')
    .description('The daemon of govctl: decides, promotes and keeps the evidence.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(govd --help shows the commands)');
  addInit(program, now);
  addRun(program, version, now);
  addMigrate(program, now);
  addLog(program, version, now);
  addDoctor(program, now);
  addInstall(program, version, now);
  program
    .command('version')
    .description('Show the version of govd, its kernel and its schema')
    .action(() => void process.stdout.write(`govd ${version}, kernel ${kernelVersion}, schema ${sqliteMigrations.at(-1)?.number ?? 0}\n`));
  return program;
}

/** Runs it. Sets the exit code and returns; a running daemon keeps the process alive. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = daemonProgram();
  // Whoever read the output has seen enough: what was begun is finished all the same.
  process.stdout.on('error', () => {});
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

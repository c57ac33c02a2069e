import { Command } from 'commander';
import { report } from './command/report.ts';
import { paths } from './install/place.ts';

declare const __VERSION__: string | undefined;

/** Set by the build; a run from source says so. */
const version = typeof __VERSION__ === 'undefined' ? '0.0.0-source' : __VERSION__;

const now = () => new Date().toISOString();

/**
 * govd's command line: what it can be told. The manual is made from it. What a command does is imported when it is asked for: nobody
 * who makes a state folder waits for a server to be loaded.
 */
export function daemonProgram(): Command {
  const program = new Command('govd')
    .description('The daemon of govctl: decides, promotes and keeps the evidence.')
    .version(version, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(govd --help shows the commands)');
  program
    .command('init')
    .description('Make a state folder: keys, databases, an operator API key and a CLI configuration')
    .requiredOption('--state-dir <dir>', 'new or empty folder')
    .option('--config <file>', 'govd.yaml to start from: where state is kept (store.postgres), and everything else')
    .option('--environment <name>', 'local_parity, dev or prod; local_parity unless the configuration says')
    .option('--origin <name>', 'name of the evidence log; govctl.local/log unless the configuration says')
    .option('--operator <actor>', 'first operator', 'HUMAN::operator')
    .action(async (flags) => await (await import('./command/init.ts')).init(flags, now));
  program
    .command('run')
    .description('Run in the foreground until SIGTERM; SIGHUP reads the configuration again')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .action(async (flags) => await (await import('./command/run.ts')).run(flags, version, now));
  program
    .command('migrate')
    .description('Bring the databases of a stopped daemon to the schema of this program; on SQLite govd run does it by itself')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .option('--check', 'say what is pending and change nothing; exit 1 when something is', false)
    .action(async (flags) => await (await import('./command/migrate.ts')).migrateDatabases(flags, now));
  addLog(program);
  program
    .command('doctor')
    .description('Look at a state folder, with the daemon up or down, and say how to mend what is wrong; exit 22 when something is')
    .requiredOption('--state-dir <dir>', 'folder made by govd init, or restored')
    .option('--json', 'print what was found as JSON', false)
    .action(async (flags) => await (await import('./command/doctor.ts')).doctor(flags, now));
  addInstall(program);
  program
    .command('version')
    .description('Show the version of govd, its kernel and its schema')
    .action(async () => (await import('./command/version.ts')).tellVersion(version));
  return program;
}

/** Verbs of the log that need a stopped daemon. */
function addLog(program: Command): void {
  const log = program.command('log').description('The evidence log, on a stopped daemon');
  log
    .command('adopt')
    .description('Declare that the database is the log from now on, after a restore from a backup; on a stopped daemon')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .requiredOption('--reason <text>', 'why; goes into the record')
    .action(async (flags) => await (await import('./command/log.ts')).adoptLog(flags, version, now));
  log
    .command('verify')
    .description('Read the whole log again, without a private key and without writing; exit 1 when something in it is not as it must be')
    .requiredOption('--state-dir <dir>', 'folder made by govd init, or restored')
    .option('--json', 'print the result as JSON', false)
    .action(async (flags) => await (await import('./command/log.ts')).verifyLog(flags, now));
}

function addInstall(program: Command): void {
  program
    .command('install')
    .description('Install govd on this machine under systemd: programs, units, user, sockets, keys; again: mend or upgrade')
    .option('--root <dir>', 'an image instead of this machine: files only, no keys, nothing is started', '/')
    .option('--config <file>', `govd.yaml to start from, instead of a first one; a machine that has ${paths.config} keeps it`)
    .option('--origin <name>', 'name of the evidence log; govctl.local/log unless said')
    .option('--operator <actor>', 'first operator', 'HUMAN::operator')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .action(async (flags) => await (await import('./command/install.ts')).install(flags, version, now));
  program
    .command('uninstall')
    .description('Take away what govd install wrote; data, keys and configuration stay unless purged')
    .option('--root <dir>', 'an image instead of this machine', '/')
    .option('--purge', 'data, keys, configuration and the user go too', false)
    .option('--confirm <name>', 'the name of the evidence log that a purge destroys')
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .action(async (flags) => await (await import('./command/install.ts')).uninstall(flags));
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

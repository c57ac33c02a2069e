import { exitCodes, isProblem, Problem, problemTable } from '@govctl/core/api';
import { Command, CommanderError } from 'commander';
import { pino } from 'pino';
import { startDaemon } from './compose.ts';
import { adoptOffline } from './compose-adopt.ts';
import { initStateDir } from './state/init.ts';

declare const __VERSION__: string;

/** What a supervisor reads: sysexits.h, so that it knows what not to restart. */
const daemonExit = { config: 78, permission: 77, database: 69, temporary: 75 } as const;

const now = () => new Date().toISOString();

/** govd's command line. Sets the exit code and returns; a running daemon keeps the process alive. */
export async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('govd')
    .description('The daemon of govctl: decides, promotes and keeps the evidence.')
    .version(__VERSION__, '-V, --version')
    .exitOverride()
    .showHelpAfterError('(govd --help shows the commands)');
  program
    .command('init')
    .description('Make a state folder: keys, databases, an operator API key and a CLI configuration')
    .requiredOption('--state-dir <dir>', 'new or empty folder')
    .option('--environment <name>', 'local_parity, dev or prod', 'local_parity')
    .option('--origin <name>', 'name of the evidence log', 'govctl.local/log')
    .option('--operator <actor>', 'first operator', 'HUMAN::operator')
    .action((options: { stateDir: string; environment: string; origin: string; operator: string }) => {
      const dir = initStateDir({
        root: options.stateDir,
        environment: options.environment,
        origin: options.origin,
        operator: options.operator,
        now,
      });
      process.stdout.write(
        `state folder ready: ${dir.root}\n  keys, databases, trust root, operator key made\nnext:\n  govd run --state-dir ${dir.root}\n  export GOVCTL_CONFIG=${dir.cliConfig}\n`,
      );
    });
  program
    .command('run')
    .description('Run in the foreground until SIGTERM')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .action(async (options: { stateDir: string }) => await run(options.stateDir));
  program
    .command('log')
    .description('The evidence log')
    .command('adopt')
    .description('Declare that the database is the log from now on, after a restore from a backup; on a stopped daemon')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .requiredOption('--reason <text>', 'why; goes into the record')
    .action(async (options: { stateDir: string; reason: string }) => await adopt(options.stateDir, options.reason));
  try {
    await program.parseAsync(argv);
  } catch (error) {
    process.exitCode = report(error);
  }
}

async function adopt(root: string, reason: string): Promise<void> {
  if (reason.trim().length < 3 || reason.length > 1024) {
    throw new Problem('usage', {
      detail: 'the reason has 3 to 1024 characters',
      hint: 'govd log adopt --state-dir D --reason "restored from last night"',
    });
  }
  let told = 0;
  const adopted = await adoptOffline(
    { root, version: __VERSION__, reason },
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

async function run(root: string): Promise<void> {
  const logger = pino({
    level: process.env.GOVD_LOG ?? 'info',
    base: null,
    messageKey: 'msg',
    redact: ['*.authorization', '*.cap', '*.api_key'],
  });
  const daemon = await startDaemon({ root, version: __VERSION__ }, { now, logger });
  logger.info({ socket: daemon.socket }, 'ready');
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) {
      logger.warn({ signal }, 'second signal: leaving at once; recovery needs nothing but a start');
      process.exit(1);
    }
    stopping = true;
    logger.info({ signal }, 'draining');
    daemon.stop().then(
      () => logger.info('stopped'),
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exitCode = 1;
      },
    );
  };
  process.on('SIGHUP', () => void daemon.reload());
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage.code;
  if (!isProblem(error)) {
    process.stderr.write(`error[internal]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return 1;
  }
  process.stderr.write(`error[${error.code}]: ${error.message}\n`);
  for (const reason of error.reasons ?? []) process.stderr.write(`  ${reason.path ?? ''}: ${reason.message}\n`);
  if (error.hint !== undefined) process.stderr.write(`fix: ${error.hint}\n`);
  const cause = error.cause as { code?: string } | undefined;
  if (cause?.code === 'EACCES' || cause?.code === 'EPERM' || cause?.code === 'EROFS') return daemonExit.permission;
  if (error.code === 'locked') return daemonExit.temporary;
  if (error.code === 'unavailable') return daemonExit.database;
  if (problemTable[error.code].exit === 'usage') return daemonExit.config;
  return 1;
}

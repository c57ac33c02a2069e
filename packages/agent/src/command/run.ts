import type { Command } from 'commander';
import { pino } from 'pino';
import { startDaemon } from '../compose.ts';

export function addRun(program: Command, version: string, now: () => string): void {
  program
    .command('run')
    .description('Run in the foreground until SIGTERM; SIGHUP reads the configuration again')
    .requiredOption('--state-dir <dir>', 'folder made by govd init')
    .action(async (options: { stateDir: string }) => await run(options.stateDir, version, now));
}

/** A first SIGTERM drains, a second one leaves at once; recovery needs nothing but a start. */
async function run(root: string, version: string, now: () => string): Promise<void> {
  const logger = pino({
    level: process.env.GOVD_LOG ?? 'info',
    base: null,
    messageKey: 'msg',
    redact: ['*.authorization', '*.cap', '*.api_key'],
  });
  const daemon = await startDaemon({ root, version }, { now, logger });
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

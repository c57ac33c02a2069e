import { type Logger, pino } from 'pino';
import { type Daemon, startDaemon } from '../compose.ts';
import { activatedSockets, type Notify, openNotify, startSupervision } from '../systemd/index.ts';

/** How long a step of the start may take before systemd gives up, in microseconds: a migration of a large database takes minutes. */
const stepUsec = 900_000_000;
/** Beyond the drain: loops end, files are closed. */
const closeMs = 10_000;

/** `govd run`: returns when it is ready; the daemon keeps the process alive. */
export async function run({ stateDir: root }: { readonly stateDir: string }, version: string, now: () => string): Promise<void> {
  const logger = pino({
    level: process.env.GOVD_LOG ?? 'info',
    base: null,
    messageKey: 'msg',
    redact: ['*.authorization', '*.cap', '*.api_key'],
  });
  const notify = await openNotify(process.env);
  const starting = (what: string) => notify({ STATUS: what, EXTEND_TIMEOUT_USEC: stepUsec });
  const activated = activatedSockets(process.env, process.pid);
  // Until there is a configuration to read again, the signal must not end the process, which is what it does by itself.
  const early = () => logger.info('SIGHUP while starting: the configuration is being read anyway');
  process.on('SIGHUP', early);
  const daemon = await startDaemon({ root, version, activated }, { now, logger, starting });
  process.off('SIGHUP', early);
  supervise(daemon, notify, logger);
  logger.info({ listening: daemon.places }, 'ready');
}

/** A first SIGTERM drains, a second one leaves at once; recovery needs nothing but a start. */
function supervise(daemon: Daemon, notify: Notify, logger: Logger): void {
  const supervision = startSupervision({
    daemon,
    notify,
    logger,
    watchdogUsec: watchdogUsec(process.env, process.pid),
    monotonicUsec: () => process.hrtime.bigint() / 1000n,
  });
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) {
      logger.warn({ signal }, 'second signal: leaving at once; recovery needs nothing but a start');
      process.exit(1);
    }
    stopping = true;
    logger.info({ signal }, 'draining');
    supervision.stopping(daemon.drainMs() + closeMs);
    daemon.stop().then(
      () => logger.info('stopped'),
      (error: unknown) => {
        logger.error({ err: error }, 'could not stop cleanly');
        process.exitCode = 1;
      },
    );
  };
  // One after the other: what a later signal asks for is read after an earlier one has been answered.
  let reloads = Promise.resolve();
  process.on('SIGHUP', () => {
    reloads = reloads.then(() => (stopping ? undefined : supervision.reloading(() => daemon.reload())));
  });
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
}

/** What systemd expects of this process: 0 when nothing. */
function watchdogUsec(env: NodeJS.ProcessEnv, pid: number): number {
  const meant = env.WATCHDOG_PID === undefined || env.WATCHDOG_PID === String(pid);
  const usec = Number(env.WATCHDOG_USEC ?? 0);
  return meant && Number.isSafeInteger(usec) && usec > 0 ? usec : 0;
}

import { isProblem } from '@govctl/core/api';
import { draftRecord, subjectOf } from '@govctl/core/evidence';
import type { Logger } from 'pino';
import type { Journal } from '../journal/index.ts';
import type { LiveConfig } from './live-config.ts';

type ReloadDependencies = {
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

/**
 * SIGHUP: the new configuration whole, or the old one and a line that says why. A change that decisions depend on is recorded.
 * @returns what is left to be said to whoever supervises this process; nothing when all of it counts now
 */
export async function reloadConfig(live: LiveConfig, logger: Logger, deps: ReloadDependencies): Promise<string> {
  try {
    const { changed, previous, needs_restart } = live.reload();
    logger.level = process.env.GOVD_LOG ?? live.config.logging.level;
    if (changed) {
      const at = deps.now();
      const record = draftRecord({
        kind: 'governance-fact',
        subject: [subjectOf('config', live.digest)],
        predicate: {
          environment: deps.deployment.environment,
          service_release_id: deps.deployment.service_release_id,
          actor: { actor_id: 'SYSTEM::govd', authenticated_by: 'signal:SIGHUP' },
          salt: deps.randomHex(16),
          previous: null,
          fact: 'config.reload',
          subject: 'config',
          digest: live.digest,
          reason: null,
          detail: { previous },
        },
        run_id: null,
        tenant_id: 'default',
        dataset_id: null,
        recorded_at: at,
      });
      await deps.journal.commit({ label: 'config.reload', changes: [], records: [record], events: [] });
    }
    logger.info({ config_digest: live.digest, changed, needs_restart }, 'configuration read again');
    return needs_restart.length === 0 ? '' : `needs a restart to change: ${needs_restart.join(', ')}`;
  } catch (error) {
    const reasons = isProblem(error) ? error.reasons : undefined;
    logger.error({ err: error, reasons }, 'the new configuration is refused; the old one stays');
    return `the new configuration is refused, the old one stays: ${(error as Error).message}`;
  }
}

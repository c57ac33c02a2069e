import type { GovdConfig } from '@govctl/core/config';
import type { Logger } from 'pino';
import { birthsPlace } from '../config/births-place.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import type { StateDir } from '../state/index.ts';
import { openPostgresStore } from './store.postgres.ts';
import { openSqliteStore } from './store.sqlite.ts';
import type { Store } from './store.ts';

/** The store the configuration names. The instance lock of the folder is held. */
export function openStore(
  dir: StateDir,
  config: GovdConfig,
  seams: {
    readonly now: () => string;
    readonly logger: Logger;
    readonly loops: LoopWatch;
    /** Told before migrations run: they may take long. */
    readonly migrating?: (pending: readonly string[]) => void;
  },
): Promise<Store> {
  const { postgres } = config.store;
  if (postgres === undefined) return openSqliteStore(dir, seams.now, seams.migrating);
  return openPostgresStore({ config: postgres, births: birthsPlace(config), root: dir.root, logger: seams.logger, loops: seams.loops });
}

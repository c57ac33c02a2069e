import type { Logger } from 'pino';
import type { Database } from '../../db/index.ts';
import type { Journal } from '../../journal/index.ts';
import { startLoop } from '../../loop/loop.ts';
import type { LoopWatch } from '../../loop/loop-watch.ts';
import { replayHandlers } from './handler.ts';
import type { Replayer, ReplayQueries } from './port.ts';
import { ReplayLoop } from './replay-loop.ts';

export type ReplaySettings = {
  readonly replayer: Replayer;
  readonly database: Database;
  readonly queries: ReplayQueries;
  readonly journal: Journal;
  readonly holder: string;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly busy: () => boolean;
  readonly logger: Logger;
  readonly watch: LoopWatch;
  readonly replayed: (rows: number) => void;
};

/** Starts the loop of replays, which goes on with whatever was running when the last daemon ended; and its routes. */
export function openReplay(settings: ReplaySettings) {
  const { database, journal, deployment, randomHex, now, logger, queries, replayer } = settings;
  const replays = new ReplayLoop({ ...settings, monotonicMs: () => performance.now() });
  const loop = startLoop({ name: 'handoff-replay', now, logger, watch: settings.watch, round: () => replays.round() });
  return {
    handlers: replayHandlers({ database, replayQueries: queries, journal, deployment, randomHex, wakeReplay: () => loop.wake() }),
    async stop(): Promise<void> {
      await loop.stop();
      await replayer.rest();
      // So that whoever goes on need not wait until it runs out.
      const release = { write: 'lease.release', values: { lease_name: 'handoff-replay', holder: settings.holder, at: now() } } as const;
      await journal.commit({ label: 'lease.release', changes: [release], records: [], events: [] }).catch(() => undefined);
    },
  };
}

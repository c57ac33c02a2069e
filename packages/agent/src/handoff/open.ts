import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { birthsMigrations, migrate, openSqlite, SqliteReader } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { SqliteBirths } from './births.ts';
import { attachBirths } from './births-attachment.ts';
import { coverageSource } from './coverage.ts';
import { handoffHandlers } from './handler.ts';
import { handoffGauges, tailMetrics } from './metric.ts';
import { sqliteHandoffQueries } from './queries.sqlite.ts';
import { reconcileHandoff } from './reconcile.ts';
import { SqliteTail } from './tail.ts';
import { TailLoop } from './tail-loop.ts';

export type HandoffSettings = {
  /** Path of govd.db, migrated. */
  readonly database: string;
  /** Path of births.db; made and migrated here. */
  readonly births: string;
  readonly holder: string;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly journal: Journal;
  /** Whether others wait for this thread: the tail takes short slices then. */
  readonly busy: () => boolean;
  readonly randomHex: (bytes: number) => string;
  readonly jitter: () => number;
  readonly now: () => string;
  readonly logger: Logger;
  readonly watch: LoopWatch;
  readonly registry: Registry;
  /** Events may have been committed. */
  readonly committed: () => void;
};

export type Handoff = {
  readonly handlers: ReturnType<typeof handoffHandlers>;
  /** What promotions are told of coverage. */
  readonly coverage: ReturnType<typeof coverageSource>;
  reconcile(now: string): ReturnType<typeof reconcileHandoff>;
  stop(): Promise<void>;
};

/** 8 MiB: status and lists read little; the writers keep the large one. */
const smallCache = 'cache_size = -8192';

/**
 * Opens births and starts the tail: three connections of its own, because births must not share a writer with governance, the tail
 * must not share one with the journal (which locks every attached file), and readers cannot write.
 */
export async function openHandoff(settings: HandoffSettings): Promise<Handoff> {
  await using opened = new AsyncDisposableStack();
  const { now, logger, journal, deployment, randomHex } = settings;
  const birthsHandle = opened.adopt(openSqlite(settings.births), (handle) => void handle.close());
  migrate(birthsHandle, birthsMigrations, now);
  // Keys come in no order, so a batch touches pages everywhere; checkpoints further apart copy each of them less often.
  birthsHandle.pragma('wal_autocheckpoint = 16000');
  const tailHandle = opened.adopt(openSqlite(settings.database), (handle) => void handle.close());
  // Waiting for a lock would stop every request of this thread; a refused batch is simply tried again.
  tailHandle.pragma('busy_timeout = 50');
  attachBirths(tailHandle, settings.births);
  const readHandle = opened.adopt(openSqlite(settings.database, 'read'), (handle) => void handle.close());
  attachBirths(readHandle, settings.births);
  readHandle.pragma(smallCache);

  const metrics = tailMetrics(settings.registry);
  const tail = new SqliteTail({ handle: tailHandle, holder: settings.holder, environment: deployment.environment, now });
  const loop = new TailLoop({
    tail,
    journal,
    environment: deployment.environment,
    now,
    busy: settings.busy,
    jitter: settings.jitter,
    observer: {
      batch(measure) {
        metrics.batch(measure);
        settings.committed();
      },
    },
  });
  const running = startLoop({ name: 'tail', now, logger, watch: settings.watch, round: () => loop.round() });
  opened.defer(() => running.stop());
  const wake = () => {
    loop.woken();
    running.wake();
  };
  const database = new SqliteReader(readHandle);
  const queries = sqliteHandoffQueries;
  const blocker = () => loop.blocker;
  const handlers = handoffHandlers({
    database,
    queries,
    journal,
    births: new SqliteBirths(birthsHandle),
    wake,
    blocker,
    deployment,
    randomHex,
  });
  handoffGauges(settings.registry, database, queries, now, blocker);
  const owned = opened.move();
  return {
    handlers,
    coverage: coverageSource(database, queries, blocker),
    reconcile: (at) => reconcileHandoff(database, queries, at, blocker()),
    stop: () => owned.disposeAsync(),
  };
}

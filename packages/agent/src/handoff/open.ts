import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Pace } from '../audit/pace.ts';
import { birthsMigrations, migrate, neverWait, openSqlite, SqliteReader } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { SqliteBirths } from './births.ts';
import { attachBirths } from './births-attachment.ts';
import { queuedBirths } from './births-queue.ts';
import { coverageSource } from './coverage.ts';
import { allHandoffHandlers } from './handlers.ts';
import { handoffGauges, replayCounter, tailMetrics } from './metric.ts';
import { openPermits } from './permit/open.ts';
import { unrecordedPermits } from './permit/queries.ts';
import { permitSeal } from './permit/seal.ts';
import { preflightHandlers } from './preflight/handler.ts';
import { sqliteHandoffQueries } from './queries.sqlite.ts';
import { reconcileHandoff } from './reconcile.ts';
import { openReplay } from './replay/open.ts';
import { SqliteReplayer } from './replay/replay.ts';
import { sqliteReplayQueries } from './replay/replay-sql.ts';
import { SqliteTail } from './tail.ts';
import { TailLoop } from './tail-loop.ts';
import { eventTypeHandlers } from './type/handler.ts';

export type HandoffSettings = {
  /** Path of govd.db, migrated. */
  readonly database: string;
  /** Path of births.db; made and migrated here. */
  readonly births: string;
  readonly holder: string;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly journal: Journal;
  /** The deployment's own key for capabilities: a permit is one. */
  readonly permitKey: KeyObject;
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
  readonly handlers: ReturnType<typeof allHandoffHandlers> &
    ReturnType<typeof openReplay>['handlers'] &
    ReturnType<typeof openPermits>['handlers'] &
    ReturnType<typeof eventTypeHandlers> &
    ReturnType<typeof preflightHandlers>;
  /** What promotions are told of coverage. */
  readonly coverage: ReturnType<typeof coverageSource>;
  reconcile(now: string, pace: Pace): ReturnType<typeof reconcileHandoff>;
  stop(): Promise<void>;
};

/** 8 MiB: status and lists read little; the writers keep the large one. */
const smallCache = 'cache_size = -8192';

/**
 * Opens births and starts the tail: connections of their own, because births must not share a writer with governance, the tail
 * must not share one with the journal (which locks every attached file), and readers cannot write.
 */
export async function openHandoff(settings: HandoffSettings): Promise<Handoff> {
  await using opened = new AsyncDisposableStack();
  const { now, logger, journal, deployment, randomHex } = settings;
  const birthsHandle = opened.adopt(openSqlite(settings.births), (handle) => void handle.close());
  migrate(birthsHandle, birthsMigrations, now);
  // Keys come in no order, so a batch touches pages everywhere; checkpoints further apart copy each of them less often.
  birthsHandle.pragma('wal_autocheckpoint = 16000');
  neverWait(birthsHandle);
  const tailHandle = opened.adopt(openSqlite(settings.database), (handle) => void handle.close());
  // Waiting longer for a lock would stop every request of this thread; a refused batch is simply tried again.
  tailHandle.pragma('busy_timeout = 50');
  attachBirths(tailHandle, settings.births);
  const readHandle = opened.adopt(openSqlite(settings.database, 'read'), (handle) => void handle.close());
  attachBirths(readHandle, settings.births);
  readHandle.pragma(smallCache);
  const replayHandle = opened.adopt(openSqlite(settings.database), (handle) => void handle.close());
  replayHandle.pragma('busy_timeout = 50');
  replayHandle.pragma(smallCache);
  attachBirths(replayHandle, settings.births);

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
  const seal = permitSeal(settings.permitKey);
  const births = queuedBirths(new SqliteBirths(birthsHandle, seal));
  const handlers = allHandoffHandlers({
    database,
    queries,
    journal,
    births,
    pruner: births,
    wake,
    blocker,
    deployment,
    randomHex,
  });
  handoffGauges(settings.registry, database, queries, now, blocker);
  const permits = openPermits({
    ...settings,
    database,
    births,
    seal,
    unrecorded: unrecordedPermits('births.birth_permit'),
  });
  opened.defer(() => permits.stop());
  const replay = openReplay({
    ...settings,
    replayer: new SqliteReplayer({ handle: replayHandle, holder: settings.holder, now }),
    database,
    queries: sqliteReplayQueries,
    replayed: replayCounter(settings.registry),
  });
  opened.defer(() => replay.stop());
  const owned = opened.move();
  return {
    handlers: {
      ...handlers,
      ...replay.handlers,
      ...permits.handlers,
      ...eventTypeHandlers({ database, journal, deployment, randomHex }),
      ...preflightHandlers({ database, queries, journal, blocker, deployment, randomHex }),
    },
    coverage: coverageSource(database, queries, blocker),
    reconcile: (at, pace) => reconcileHandoff(database, queries, at, blocker(), pace),
    stop: () => owned.disposeAsync(),
  };
}

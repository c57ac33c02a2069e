import { performance } from 'node:perf_hooks';
import { type Database, type PostgresSettings, quoted } from '../db/index.ts';
import { startLoop } from '../loop/loop.ts';
import { attachedBirths, openPostgresBirths } from './births.postgres.ts';
import { coverageSource } from './coverage.ts';
import { allHandoffHandlers } from './handlers.ts';
import { handoffGauges, replayCounter, tailMetrics } from './metric.ts';
import type { Handoff, HandoffSettings } from './open.ts';
import { openPermits } from './permit/open.ts';
import { unrecordedPermits } from './permit/queries.ts';
import { permitSeal } from './permit/seal.ts';
import { preflightHandlers } from './preflight/handler.ts';
import { postgresHandoffQueries } from './queries.postgres.ts';
import { reconcileHandoff } from './reconcile.ts';
import { openReplay } from './replay/open.ts';
import { PostgresReplayer } from './replay/replay.postgres.ts';
import { postgresReplayQueries } from './replay/replay-sql.postgres.ts';
import { embeddedSource, type SourceTables } from './source.postgres.ts';
import { PostgresTail } from './tail.postgres.ts';
import { TailLoop } from './tail-loop.ts';
import { openTailSession } from './tail-session.postgres.ts';
import { eventTypeHandlers } from './type/handler.ts';

/** Birth tables of our own in a schema of their own, or those of other software, which are only read. */
export type BirthsPlace =
  | { readonly kind: 'embedded'; readonly schema: string }
  | { readonly kind: 'attached'; readonly tables: SourceTables };

export type PostgresHandoffSettings = Omit<HandoffSettings, 'database' | 'births' | 'busy'> & {
  /** The daemon's role and the schema of governance, migrated. */
  readonly postgres: PostgresSettings;
  /** The read port of that schema. */
  readonly database: Database;
  readonly births: BirthsPlace;
};

/** The server does the work, so a batch keeps no thread waiting; but it costs a dozen round trips, and a small one little else. */
export const postgresBatchMs = 400;

/**
 * Starts the tail, on a connection of its own, and births, on another: births must go on while governance is locked or broken. Hosts
 * that share the database each call this; one of them tails.
 */
export async function openPostgresHandoff(settings: PostgresHandoffSettings): Promise<Handoff> {
  await using opened = new AsyncDisposableStack();
  const { now, logger, journal, deployment, randomHex, database, births: place } = settings;
  const seal = permitSeal(settings.permitKey);
  const writer =
    place.kind === 'attached' ? null : opened.adopt(openPostgresBirths(settings.postgres, place.schema, seal), (each) => each.close());
  const births = writer ?? attachedBirths;
  const session = opened.adopt(openTailSession(settings.postgres), (each) => each.close());
  const tail = new PostgresTail({
    session,
    holder: settings.holder,
    environment: deployment.environment,
    tables: place.kind === 'attached' ? place.tables : embeddedSource(place.schema),
    monotonicMs: () => performance.now(),
  });
  // Before anything is read: what the birth tables are is part of the SQL of every read.
  await tail.start();
  opened.defer(() => tail.stop().catch(() => undefined));

  const metrics = tailMetrics(settings.registry);
  const loop = new TailLoop({
    tail,
    journal,
    environment: deployment.environment,
    now,
    // The work is done by the server: a batch keeps no request of this thread waiting.
    busy: () => false,
    jitter: settings.jitter,
    idleMs: postgresBatchMs,
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
  const queries = postgresHandoffQueries(() => tail.sources);
  const blocker = () => loop.blocker;
  const handlers = allHandoffHandlers({ database, queries, journal, births, pruner: writer, wake, blocker, deployment, randomHex });
  handoffGauges(settings.registry, database, queries, now, blocker);
  const permits = openPermits({
    ...settings,
    database,
    births,
    seal,
    unrecorded: place.kind === 'attached' ? null : unrecordedPermits(`${quoted(place.schema)}.birth_permit`),
  });
  opened.defer(() => permits.stop());
  const replay = openReplay({
    ...settings,
    replayer: new PostgresReplayer({
      open: () => openTailSession(settings.postgres, 'replay'),
      holder: settings.holder,
      environment: deployment.environment,
      now,
      sources: () => tail.sources,
      fit: () => tail.fit,
    }),
    queries: postgresReplayQueries(() => tail.sources),
    busy: () => false,
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

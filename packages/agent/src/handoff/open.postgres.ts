import { performance } from 'node:perf_hooks';
import type { Database, PostgresSettings } from '../db/index.ts';
import { startLoop } from '../loop/loop.ts';
import { attachedBirths, openPostgresBirths } from './births.postgres.ts';
import { coverageSource } from './coverage.ts';
import { handoffHandlers } from './handler.ts';
import { handoffGauges, tailMetrics } from './metric.ts';
import type { Handoff, HandoffSettings } from './open.ts';
import { postgresHandoffQueries } from './queries.postgres.ts';
import { reconcileHandoff } from './reconcile.ts';
import { embeddedSource, type SourceTables } from './source.postgres.ts';
import { PostgresTail } from './tail.postgres.ts';
import { TailLoop } from './tail-loop.ts';
import { openTailSession } from './tail-session.postgres.ts';

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
  const births =
    place.kind === 'attached'
      ? attachedBirths
      : opened.adopt(openPostgresBirths(settings.postgres, place.schema), (writer) => writer.close());
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
  const handlers = handoffHandlers({ database, queries, journal, births, wake, blocker, deployment, randomHex });
  handoffGauges(settings.registry, database, queries, now, blocker);
  const owned = opened.move();
  return {
    handlers,
    coverage: coverageSource(database, queries, blocker),
    reconcile: (at) => reconcileHandoff(database, queries, at, blocker()),
    stop: () => owned.disposeAsync(),
  };
}

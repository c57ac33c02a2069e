import type { Logger } from 'pino';
import { birthsMigrations, migrate, openSqlite, SqliteReader } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';
import { startLoop } from '../loop/loop.ts';
import { SqliteBirths } from './births.ts';
import { attachBirths } from './births-attachment.ts';
import { coverageSource } from './coverage.ts';
import { handoffHandlers } from './handler.ts';
import { SqliteTail } from './tail.ts';
import { TailLoop, type TailObserver } from './tail-loop.ts';

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
  readonly observer?: TailObserver;
};

export type Handoff = {
  readonly handlers: ReturnType<typeof handoffHandlers>;
  /** What promotions are told of coverage. */
  readonly coverage: ReturnType<typeof coverageSource>;
  readonly blocker: () => string | null;
  stop(): Promise<void>;
};

/**
 * Opens births and starts the tail: three connections of its own, because births must not share a writer with governance, the tail
 * must not share one with the journal (which locks every attached file), and readers cannot write.
 */
export async function openHandoff(settings: HandoffSettings): Promise<Handoff> {
  await using opened = new AsyncDisposableStack();
  const { now, logger, journal, deployment, randomHex } = settings;
  const birthsHandle = opened.adopt(openSqlite(settings.births), (handle) => void handle.close());
  migrate(birthsHandle, birthsMigrations, now);
  const tailHandle = opened.adopt(openSqlite(settings.database), (handle) => void handle.close());
  attachBirths(tailHandle, settings.births);
  const readHandle = opened.adopt(openSqlite(settings.database, 'read'), (handle) => void handle.close());
  attachBirths(readHandle, settings.births);

  const tail = new SqliteTail({ handle: tailHandle, holder: settings.holder, environment: deployment.environment, now });
  const loop = new TailLoop({
    tail,
    journal,
    environment: deployment.environment,
    now,
    busy: settings.busy,
    jitter: settings.jitter,
    ...(settings.observer === undefined ? {} : { observer: settings.observer }),
  });
  const running = startLoop({ name: 'tail', now, logger, round: () => loop.round() });
  opened.defer(() => running.stop());
  const wake = () => {
    loop.woken();
    running.wake();
  };
  const database = new SqliteReader(readHandle);
  const blocker = () => loop.blocker;
  const handlers = handoffHandlers({ database, journal, births: new SqliteBirths(birthsHandle), wake, blocker, deployment, randomHex });
  const owned = opened.move();
  return { handlers, coverage: coverageSource(database, blocker), blocker, stop: () => owned.disposeAsync() };
}

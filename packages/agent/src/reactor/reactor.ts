import { dueOf } from '@govctl/core/event';
import type { Change } from '@govctl/core/journal';
import { holdLease } from '@govctl/core/lease';
import type { Logger } from 'pino';
import { openLane } from '../event/lane/open.ts';
import { laneByName, waitingIn } from '../event/lane/queries.ts';
import { eventHead } from '../event/queries.ts';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { lane, type Place, type Round, type RoundDependencies, reactorRound, waitingLimit } from './round.ts';

export type ReactorOptions = RoundDependencies & {
  readonly logger: Logger;
  readonly watch: LoopWatch;
  readonly monotonicMs: () => number;
  readonly heartbeatMs: number;
  readonly beaten: () => void;
  /** Something was committed that may have changed an alert. */
  readonly reacted: () => void;
};

export type Reactor = { stop(): Promise<void> };

const idleMs = 1_000;
/** How far the stored position may be behind in time: a reading that had no effect is not worth a write of its own. */
const flushMs = 500;
/** How long the lease is believed without asking, of the ten seconds it lasts. */
const trustMs = 3_000;

/** Reads committed events and lets the handlers react, on one host of a deployment. */
export async function startReactor(options: ReactorOptions): Promise<Reactor> {
  const { database, journal, now, holder, monotonicMs } = options;
  await openLane(options, lane).catch((error: unknown) => options.logger.warn({ err: error }, 'the reactor could not begin yet'));
  let place: Place | null = null;
  let trustedUntil = Number.NEGATIVE_INFINITY;
  let flushedAt = Number.NEGATIVE_INFINITY;
  let beatAt = Number.NEGATIVE_INFINITY;

  /** Whether this host is the one that reacts; asked of the database now and then, with the heartbeat when it is due. */
  const leads = async (): Promise<boolean> => {
    const since = monotonicMs();
    const beats = since - beatAt >= options.heartbeatMs;
    if (since < trustedUntil && !beats) return true;
    const beat: Change[] = beats ? [{ write: 'lane.beat', values: { ...lane, at: now() } }] : [];
    const unit = { label: 'reactor.lease', changes: [holdLease('reactor', holder, now()), ...beat], records: [], events: [] };
    if (!(await journal.commit(unit)).ok) return false;
    trustedUntil = since + trustMs;
    if (beats) {
      beatAt = since;
      options.beaten();
    }
    return true;
  };

  const flushed = async (at: Place): Promise<Place | null> => {
    const move = { ...lane, expected: at.stored, position: at.position, at: now() };
    const changes: Change[] = [holdLease('reactor', holder, now()), { write: 'lane.move', values: move }];
    const result = await journal.commit({ label: 'reactor.move', changes, records: [], events: [] });
    flushedAt = monotonicMs();
    return result.ok ? { position: at.position, stored: at.position } : null;
  };

  const loop = startLoop({
    name: 'reactor',
    now,
    logger: options.logger,
    watch: options.watch,
    async round(signal) {
      const waits = waitingIn({ lane: 'reactor', consumer: null, limit: waitingLimit });
      const [[row], [newest], waiting] = await database.read([laneByName(lane), eventHead({}), waits]);
      if (row === undefined) {
        await openLane(options, lane);
        return 0;
      }
      if (place === null || place.stored !== row.position) place = { stored: row.position, position: row.position };
      const behind = (newest?.head ?? 0) > place.position;
      const beatDue = monotonicMs() - beatAt >= options.heartbeatMs;
      if (behind || beatDue || dueOf(waiting, now()).length > 0) {
        if (!(await leads())) {
          place = null;
          await options.feed.news(idleMs, signal);
          return 0;
        }
        const round: Round | null = await reactorRound(options, place, waiting, signal);
        if (round === null) {
          trustedUntil = Number.NEGATIVE_INFINITY;
          place = null;
          return 0;
        }
        if (round.stored !== place.stored) options.reacted();
        place = { position: round.position, stored: round.stored };
        if (round.more) return 0;
      }
      const ahead = place.position > place.stored;
      if (ahead && (signal.aborted || monotonicMs() - flushedAt >= flushMs)) place = await flushed(place);
      await options.feed.news(ahead ? flushMs : idleMs, signal);
      return 0;
    },
  });
  return { stop: () => loop.stop() };
}

import { type Backoff, backoffMs } from '@govctl/core/webhook';
import type { Logger } from 'pino';
import { readingAhead } from '../event/feed.ts';
import { openLane } from '../event/lane/open.ts';
import { laneByName, waitingIn } from '../event/lane/queries.ts';
import { eventHead } from '../event/queries.ts';
import { whileLeased } from '../lease/while-leased.ts';
import { startLoop } from '../loop/loop.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { type DeliverDependencies, deliverRound, type Mood, retriesOf, waitingLimit } from './deliver.ts';

export type LaneOptions = DeliverDependencies & {
  readonly logger: Logger;
  readonly monotonicMs: () => number;
  /** The receiver is down, or takes events; said once each, and again when it could not be told. */
  readonly changed: (state: 'up' | 'down') => Promise<void>;
};

const idleMs = 1_000;
/** A receiver that is down is asked again ever more slowly, with the oldest event that waits for it. */
const probe: Backoff = { base_ms: 1_000, factor: 2, cap_ms: 60_000 };
/** Rounds in a row that delivered nothing before a receiver counts as down. */
const downAfter = 3;

/**
 * Delivers to one endpoint, on one host of a deployment. Each endpoint has a loop of its own: one that hangs delays nobody. How long a
 * round takes is the receiver's doing, so nobody watches it.
 */
export async function startWebhookLane(options: LaneOptions): Promise<{ stop(): Promise<void> }> {
  const { database, now, feed, endpoint, monotonicMs } = options;
  const lane = { lane: 'webhook', consumer: endpoint.name } as const;
  const reading = { ...options, feed: readingAhead(feed) };
  await openLane(options, lane).catch((error: unknown) => options.logger.warn({ err: error }, 'the webhook could not begin yet'));
  let place: { readonly position: number; readonly stored: number } | null = null;
  let failures = 0;
  let told: 'up' | 'down' | null = null;
  let notBefore = Number.NEGATIVE_INFINITY;

  const tell = async (state: 'up' | 'down') => {
    if (told === state) return;
    await options.changed(state);
    told = state;
  };

  const loop = startLoop({
    name: `webhook ${endpoint.name}`,
    now,
    logger: options.logger,
    watch: loopWatch(),
    async round(outer) {
      const [[row], [newest], waiting] = await database.read([
        laneByName(lane),
        eventHead({}),
        waitingIn({ ...lane, limit: waitingLimit + 1 }),
      ]);
      if (row === undefined) {
        await openLane(options, lane);
        return 0;
      }
      if (place === null || place.stored !== row.position) place = { stored: row.position, position: row.position };
      const at = place;
      const down = failures >= downAfter || waiting.length >= waitingLimit;
      const mood: Mood = down ? 'probe' : 'usual';
      const idle = (newest?.head ?? 0) <= at.position && retriesOf(waiting, mood, now()).length === 0;
      if (idle && waiting.length === 0 && failures > 0) {
        // Nothing waits for it: it was delivered elsewhere, or given up. This process does not know how the receiver is.
        failures = 0;
        told = null;
      }
      if (idle || monotonicMs() < notBefore) {
        await feed.news(idleMs, outer);
        return 0;
      }
      const round = await whileLeased(options, 'webhook', outer, (signal) => deliverRound(reading, at, waiting, mood, signal));
      if (round === null) {
        place = null;
        await feed.news(idleMs, outer);
        return 0;
      }
      place = { position: round.position, stored: round.stored };
      if (round.receiver === 'up') {
        failures = 0;
        notBefore = Number.NEGATIVE_INFINITY;
        await tell('up');
      } else if (round.receiver === 'down') {
        failures += 1;
        notBefore = monotonicMs() + backoffMs(probe, failures, options.random());
        if (failures >= downAfter) await tell('down');
      }
      if (!round.more) await feed.news(idleMs, outer);
      return 0;
    },
  });
  return { stop: () => loop.stop() };
}

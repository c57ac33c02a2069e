import type { Logger } from 'pino';
import { startLoop } from '../loop/loop.ts';
import type { LoopWatch } from '../loop/loop-watch.ts';
import { type DispatchDependencies, dispatchEvents } from './dispatch.ts';

/** Pause after a commit with events before they get their positions: many units then share one round and its durable write. */
const gatherMilliseconds = 40;
/** Without a hint: rows of a writer in another process. */
const idleMilliseconds = 500;

export type Dispatcher = {
  /** There are new outbox rows. A hint: without it they are found a little later. */
  wake(): void;
  stop(): Promise<void>;
  readonly lastRoundAt: string | null;
};

/** Runs the dispatcher until it is stopped. */
export function startDispatcher(deps: DispatchDependencies & { readonly logger: Logger; readonly watch: LoopWatch }): Dispatcher {
  let gathering: NodeJS.Timeout | undefined;
  const loop = startLoop({
    name: 'event-dispatch',
    now: deps.now,
    logger: deps.logger,
    watch: deps.watch,
    round: async () => (((await dispatchEvents(deps)) ?? 0) > 0 ? 0 : idleMilliseconds),
  });
  return {
    wake() {
      gathering ??= setTimeout(() => {
        gathering = undefined;
        loop.wake();
      }, gatherMilliseconds);
    },
    async stop() {
      clearTimeout(gathering);
      await loop.stop();
    },
    get lastRoundAt() {
      return loop.lastRoundAt;
    },
  };
}

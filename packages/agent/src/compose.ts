import { durationMs } from '@govctl/core/policy';
import { openDomains } from './compose-domain.ts';
import { openGround, type Seams, type Settings } from './compose-ground.ts';
import { handlersOf, readinessOf } from './compose-handler.ts';
import { openListeners } from './compose-http.ts';
import { startRunLoops } from './compose-loop.ts';
import { reloadConfig } from './config/reload.ts';
import { askReadiness, type Readiness } from './system/readiness.ts';

export type Daemon = {
  /** Where it listens. */
  readonly places: readonly string[];
  /** What `/readyz` answers. */
  readiness(): Readiness;
  /** Loops whose present round has lasted longer than this. */
  stalled(limitMs: number): readonly string[];
  /** How long requests under way may take when it stops, in milliseconds. */
  drainMs(): number;
  /** Reads the configuration again; a bad one changes nothing. @returns what is left to be said, or nothing */
  reload(): Promise<string>;
  stop(): Promise<void>;
};

/**
 * The composition root: it and the `compose-*` beside it are the one place that names concrete adapters. Resources are closed in the
 * reverse order they were opened, and a failure half-way closes what was open.
 */
export async function startDaemon(settings: Settings, seams: Seams): Promise<Daemon> {
  await using opened = new AsyncDisposableStack();
  const ground = await openGround(opened, settings, seams);
  const domains = await openDomains(opened, ground);
  const readiness = readinessOf(ground, domains);
  const handlers = handlersOf(ground, domains, readiness);
  startRunLoops(opened, ground, domains);
  const { places, fetching } = await openListeners(opened, ground, domains, handlers, settings.activated);
  ground.recently.noticed();

  const owned = opened.move();
  const { live, loops, logger, shared } = ground;
  return {
    places,
    readiness: () => askReadiness(readiness),
    stalled: (limitMs) => loops.stalled(limitMs),
    drainMs: () => durationMs(live.config.shutdown.drain),
    reload: async () => {
      const said = [await reloadConfig(live, logger, shared), fetching?.renew() ?? ''];
      return said.filter((one) => one !== '').join('; ');
    },
    stop: () => owned.disposeAsync(),
  };
}

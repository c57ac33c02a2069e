import type { Logger } from 'pino';
import type { Database } from '../../db/index.ts';
import type { Journal } from '../../journal/index.ts';
import { startLoop } from '../../loop/loop.ts';
import type { LoopWatch } from '../../loop/loop-watch.ts';
import type { Births } from '../birth-admission.ts';
import { permitHandlers } from './handler.ts';
import type { UnrecordedPermits } from './queries.ts';
import { PermitRecorder } from './recorder.ts';
import type { PermitSeal } from './seal.ts';

export type PermitSettings = {
  readonly database: Database;
  readonly births: Births;
  readonly unrecorded: UnrecordedPermits;
  readonly journal: Journal;
  readonly seal: PermitSeal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly logger: Logger;
  readonly watch: LoopWatch;
};

/** Starts what records permits that could not be recorded when they were issued; and their routes. */
export function openPermits(settings: PermitSettings) {
  const recorder = new PermitRecorder(settings);
  const loop = startLoop({
    name: 'permit-record',
    now: settings.now,
    logger: settings.logger,
    watch: settings.watch,
    round: () => recorder.round(),
  });
  const missed = () => {
    recorder.missed();
    loop.wake();
  };
  return { handlers: permitHandlers({ ...settings, missed }), stop: () => loop.stop() };
}

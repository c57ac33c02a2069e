import { handoffHandlers } from './handler.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { pauseHandlers } from './pause-handler.ts';
import { pruneHandlers } from './prune-handler.ts';
import { quarantineHandlers } from './quarantine-handler.ts';

/** Everything that is asked of the handoff. */
export function allHandoffHandlers(deps: HandoffDependencies) {
  return { ...handoffHandlers(deps), ...quarantineHandlers(deps), ...pauseHandlers(deps), ...pruneHandlers(deps) };
}

import { Problem } from '@govctl/core/api';
import type { HandoffContext } from '@govctl/core/handoff';
import type { Actor } from '@govctl/core/identity';
import type { HandoffDependencies } from './handler-port.ts';

/** How often a unit is rebuilt from fresh rows before the caller is told that somebody else keeps moving them. */
export const rebuilds = 3;

/** In whose name, and where and when, a unit of the handoff is written. */
export function contextOf(deps: Pick<HandoffDependencies, 'deployment' | 'randomHex'>, actor: Actor, at: string): HandoffContext {
  return { actor, ...deps.deployment, at, salt: deps.randomHex(16) };
}

/** Births are in a file of their own, which may be broken while the rest is not. */
export async function withBirths<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `births cannot be read, so coverage is unknown: ${(cause as Error).message}`,
      hint: 'govctl doctor',
      cause,
    });
  }
}

export function moving(what: string): Problem {
  return new Problem('conflict', { detail: `${what} keeps changing under this request: nothing was done`, hint: 'try again' });
}

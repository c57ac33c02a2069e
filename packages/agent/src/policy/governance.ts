import { Problem } from '@govctl/core/api';
import type { Actor } from '@govctl/core/identity';
import type { GovernanceContext } from '@govctl/core/policy';
import type { Database } from '../db/index.ts';
import type { Journal } from '../journal/index.ts';

/** What every change of policies, contracts and quality results needs. */
export type GovernanceDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
};

/** How often a unit is rebuilt from fresh rows before the caller is told that somebody else keeps moving them. */
export const rebuilds = 3;

/** Times come from the moment of writing: a rebuilt unit is a later one. */
export function governanceContext(deps: GovernanceDependencies, actor: Actor): GovernanceContext {
  const { environment, service_release_id } = deps.deployment;
  return { actor, environment, service_release_id, at: deps.now(), salt: deps.randomHex(16) };
}

/** What acts on every dataset of every tenant, as rules do, needs a grant that says so. */
export const everywhere = { tenant_id: '*', dataset_id: '*' };
export const everywhereFlags = "--tenant '*' --dataset '*'";

export function notGranted(actor: Actor, action: string, on: string, flags: string): Problem {
  return new Problem('forbidden', {
    detail: `${actor.actor_id} has no grant for ${action} on ${on}`,
    hint: `an operator can grant it: govctl apikey add --actor ${actor.actor_id} --action ${action} ${flags}`,
  });
}

export function keepsChanging(what: string): Problem {
  return new Problem('conflict', {
    detail: `${what} kept changing under this request: nothing was done`,
    hint: 'try again',
    retryAfterSeconds: 1,
  });
}

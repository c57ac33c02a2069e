import { type Actor, mayAffect, samePerson } from '../identity/actor.ts';
import type { ResumeAuthority } from './pause.ts';

/**
 * Which authorities of the source somebody holds over a run. No second list of people: an authority is how far a grant of the action
 * reaches. Who may not resume this run at all holds none.
 *
 * - `tenant_user`: a person who may for this dataset
 * - `tenant_admin`: whoever may for every dataset of the tenant
 * - `founder_only`: a person who may do anything, everywhere
 * - `api_key_owner`: whoever asked for the run, with any key
 * - `system_auto`: a service
 */
export function authoritiesOf(
  actor: Actor,
  run: { readonly tenant_id: string; readonly dataset_id: string; readonly actor_id: string },
  action: string,
): ResumeAuthority[] {
  if (!mayAffect(actor, action, run)) return [];
  const person = actor.source_type === 'HUMAN';
  const everything = actor.grants.some(({ actions, tenants, datasets }) => [actions, tenants, datasets].every((one) => one.includes('*')));
  const held: readonly (readonly [ResumeAuthority, boolean])[] = [
    ['tenant_user', person],
    ['tenant_admin', mayAffect(actor, action, { tenant_id: run.tenant_id, dataset_id: '*' })],
    ['founder_only', person && everything],
    ['api_key_owner', samePerson(actor.actor_id, run.actor_id)],
    ['system_auto', !person],
  ];
  return held.flatMap(([authority, holds]) => (holds ? [authority] : []));
}

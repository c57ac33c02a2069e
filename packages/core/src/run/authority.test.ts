import { expect, it } from 'vitest';
import type { Actor, Grant } from '../identity/actor.ts';
import { authoritiesOf } from './authority.ts';

const run = { tenant_id: 'acme', dataset_id: 'orders', actor_id: 'SYSTEM::etl' };
const actor = (actor_id: string, ...grants: Partial<Grant>[]): Actor => ({
  actor_id,
  source_type: actor_id.startsWith('HUMAN') ? 'HUMAN' : 'SYSTEM',
  authenticated_by: 'api-key:k',
  grants: grants.map((grant) => ({ actions: ['promotion.resume'], tenants: ['acme'], datasets: ['orders'], ...grant })),
});

it.each([
  ['a person for one dataset', actor('HUMAN::ada', {}), ['tenant_user']],
  ['a person for the tenant', actor('HUMAN::ada', { datasets: ['*'] }), ['tenant_user', 'tenant_admin']],
  [
    'a person for everything',
    actor('HUMAN::ada', { actions: ['*'], tenants: ['*'], datasets: ['*'] }),
    ['tenant_user', 'tenant_admin', 'founder_only'],
  ],
  ['a service for everything', actor('SYSTEM::ops', { actions: ['*'], tenants: ['*'], datasets: ['*'] }), ['tenant_admin', 'system_auto']],
  ['whoever asked', actor('SYSTEM::etl', {}), ['api_key_owner', 'system_auto']],
  ['whoever asked, without a grant to resume', actor('SYSTEM::etl', { actions: ['promotion.request'] }), []],
  ['somebody of another tenant', actor('HUMAN::eve', { tenants: ['other'], datasets: ['*'] }), []],
  [
    'everything in three grants is not everything',
    actor('HUMAN::eve', { actions: ['*'] }, { tenants: ['*'] }, { datasets: ['*'] }),
    ['tenant_user', 'tenant_admin'],
  ],
] as const)('%s', (_name, who, expected) => {
  expect(authoritiesOf(who, run, 'promotion.resume')).toEqual(expected);
});

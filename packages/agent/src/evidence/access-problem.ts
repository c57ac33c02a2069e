import { Problem } from '@govctl/core/api';
import type { CapabilityRefusal } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import type { Owner } from './resolution.ts';

const refusalDetail: Readonly<Record<CapabilityRefusal, string>> = {
  malformed: 'this is not a capability',
  untrusted: 'no key of this deployment signed the capability',
  expired: 'the capability has expired',
  'not-yet-valid': 'the capability is not valid yet',
  'too-long-lived': 'the capability lives longer than any may',
  'wrong-audience': 'the capability is for another deployment',
  'wrong-claims': 'the capability does not say what one must',
};

export function capabilityProblem(reason: CapabilityRefusal): Problem {
  const detail = refusalDetail[reason];
  if (reason === 'malformed') return new Problem('invalid-request', { detail });
  const hint = 'govctl evidence get REF makes a new one';
  return new Problem(reason === 'expired' ? 'gone' : 'forbidden', { detail, hint });
}

export function noGrant({ actor_id }: Pick<Actor, 'actor_id'>, { tenant_id, dataset_id }: Owner): Problem {
  const where = dataset_id === null ? `--tenant ${tenant_id}` : `--tenant ${tenant_id} --dataset ${dataset_id}`;
  return new Problem('forbidden', {
    detail: `${actor_id} has no grant for evidence.read on ${tenant_id}/${dataset_id ?? '*'}`,
    hint: `an operator can grant it: govctl apikey add --actor ${actor_id} --action evidence.read ${where}`,
  });
}

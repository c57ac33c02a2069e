import { mayAffect, sourceTypeOf } from '../../identity/actor.ts';
import { fail, type Gate, pass } from '../gate.ts';

/** May this actor have this effect here? The route was allowed before; this asks about the tenant, the dataset and the act. */
export const actorGate: Gate = {
  code: 'actor',
  asks: 'Is the actor authenticated and granted this effect on this tenant and dataset?',
  otherwise: 'deny',
  judge({ facts: { request }, gate_set }) {
    const { actor, grants, tenant_id, dataset_id } = request;
    const action = gate_set === 'rollback' ? 'promotion.rollback' : 'promotion.request';
    const expected = `${action} on ${tenant_id}/${dataset_id}`;
    const resolve = {
      who: 'an operator who holds this grant',
      command: `govctl apikey add --actor ${actor.actor_id} --action ${action} --tenant ${tenant_id} --dataset ${dataset_id}`,
    };
    if (actor.authenticated_by === '') {
      return fail({
        reason_code: 'actor-not-authenticated',
        reason: 'nobody proved who asks',
        expected: 'an authenticated actor',
        actual: null,
        resolve,
      });
    }
    if (sourceTypeOf(actor.actor_id) !== actor.source_type) {
      return fail({
        reason_code: 'actor-source-mismatch',
        reason: `${actor.actor_id} is not a ${actor.source_type} actor`,
        expected: sourceTypeOf(actor.actor_id),
        actual: actor.source_type,
        resolve,
      });
    }
    if (!mayAffect({ ...actor, grants }, action, { tenant_id, dataset_id })) {
      return fail({
        reason_code: 'actor-not-granted',
        reason: `${actor.actor_id} is not granted ${expected}`,
        expected,
        actual: 'no such grant',
        resolve,
      });
    }
    return pass(`${actor.actor_id} is granted ${action}`, expected, actor.actor_id);
  },
};

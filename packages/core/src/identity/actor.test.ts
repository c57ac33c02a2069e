import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, actorIdSchema, coversGrants, type Grant, mayAffect, mayCall } from './actor.ts';

const actor = (...grants: Grant[]): Actor => ({ actor_id: 'HUMAN::ada', source_type: 'HUMAN', authenticated_by: 'api-key:k1', grants });

describe('grants', () => {
  it('denies without a grant', () => {
    expect(mayCall(actor(), 'promotion.request')).toBe(false);
    expect(mayAffect(actor(), 'promotion.request', { tenant_id: 'default', dataset_id: 'orders' })).toBe(false);
  });

  it('needs action, tenant and dataset in one grant', () => {
    const split = actor(
      { actions: ['promotion.request'], tenants: ['a'], datasets: ['orders'] },
      { actions: ['snapshot.create'], tenants: ['b'], datasets: ['*'] },
    );
    expect(mayAffect(split, 'promotion.request', { tenant_id: 'a', dataset_id: 'orders' })).toBe(true);
    expect(mayAffect(split, 'promotion.request', { tenant_id: 'b', dataset_id: 'orders' })).toBe(false);
    expect(mayAffect(split, 'promotion.request', { tenant_id: 'a', dataset_id: 'invoices' })).toBe(false);
  });

  it('a noun pattern does not reach a longer noun', () => {
    const some = actor({ actions: ['policy.*'], tenants: ['*'], datasets: ['*'] });
    expect(mayCall(some, 'policy.activate')).toBe(true);
    expect(mayCall(some, 'policy-pack.store')).toBe(false);
  });

  it('refuses actors a payload could smuggle', () => {
    for (const id of ['ROOT::x', 'HUMAN::', 'HUMAN::a b', 'HUMAN::a\n', 'SYSTEM:x', 'HUMAN::-a'])
      expect(actorIdSchema.safeParse(id).success).toBe(false);
  });

  it('nobody grants more than they have', () => {
    const name = fc.constantFrom('a', 'b', '*');
    const action = fc.constantFrom('promotion.request', 'promotion.*', 'snapshot.create', '*');
    const grant = fc.record({
      actions: fc.array(action, { minLength: 1, maxLength: 2 }),
      tenants: fc.array(name, { minLength: 1, maxLength: 2 }),
      datasets: fc.array(name, { minLength: 1, maxLength: 2 }),
    });
    const concrete = ['promotion.request', 'snapshot.create', 'promotion.cancel'].flatMap((a) =>
      ['a', 'b', 'c'].flatMap((t) => ['a', 'b', 'c'].map((d) => ({ a, t, d }))),
    );
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 3 }), fc.array(grant, { minLength: 1, maxLength: 3 }), (held, wanted) => {
        fc.pre(coversGrants(held, wanted));
        for (const { a, t, d } of concrete) {
          const target = { tenant_id: t, dataset_id: d };
          if (mayAffect(actor(...wanted), a, target)) expect(mayAffect(actor(...held), a, target)).toBe(true);
        }
      }),
    );
  });
});

import { type Actor, mayAffect } from '@govctl/core/identity';

type Owner = { readonly tenant_id: string; readonly dataset_id: string | null };

/** May this actor do this to a record? One that belongs to no dataset needs a grant on all of its tenant's. */
export function mayAccess(actor: Actor, action: string, { tenant_id, dataset_id }: Owner): boolean {
  return mayAffect(actor, action, { tenant_id, dataset_id: dataset_id ?? '*' });
}

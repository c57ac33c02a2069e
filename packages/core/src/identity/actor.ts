import { z } from 'zod';

/** `SYSTEM::<service>` or `HUMAN::<id>`: made from authentication only, never from a payload. */
export const actorIdSchema = z
  .string()
  .regex(/^(SYSTEM|HUMAN)::[A-Za-z0-9][A-Za-z0-9._@-]{0,127}$/, 'an actor: SYSTEM::<service> or HUMAN::<id>, like HUMAN::ada');

/** Deny by default: an actor may do what some grant names, for the tenants and datasets it names. `*` is any; `promotion.*` any verb of a noun. */
export const grantSchema = z.strictObject({
  actions: z
    .array(z.string().regex(/^(\*|[a-z]+(-[a-z]+)*\.(\*|[a-z]+(-[a-z]+)*))$/, 'an action: noun.verb, noun.* or *, like promotion.request'))
    .min(1),
  tenants: z.array(z.string().min(1)).min(1),
  datasets: z.array(z.string().min(1)).min(1),
});

export type Grant = z.infer<typeof grantSchema>;
export type SourceType = 'SYSTEM' | 'HUMAN';

export type Actor = {
  readonly actor_id: string;
  readonly source_type: SourceType;
  /** How it proved who it is: `api-key:<key_id>`. */
  readonly authenticated_by: string;
  readonly grants: readonly Grant[];
};

export function sourceTypeOf(actorId: string): SourceType {
  return actorId.startsWith('HUMAN::') ? 'HUMAN' : 'SYSTEM';
}

/** The same person, whatever key was used and however the name was written: nobody is two people by a capital letter or a second key. */
export function samePerson(a: string, b: string): boolean {
  const nameOf = (actorId: string) => actorId.slice(actorId.indexOf('::') + 2).toLowerCase();
  return nameOf(a) === nameOf(b);
}

/** The action a grant names to give somebody a role in approvals: `role.data-steward`. */
export function roleAction(role: string): string {
  return `role.${role}`;
}

function matches(pattern: string, value: string): boolean {
  if (pattern === '*' || pattern === value) return true;
  return pattern.endsWith('.*') && value.startsWith(pattern.slice(0, -1));
}

/** May this actor call the route at all? What it may do it to is asked again where the effect is known. */
export function mayCall(actor: Actor, action: string): boolean {
  return actor.grants.some((grant) => grant.actions.some((pattern) => matches(pattern, action)));
}

/** May this actor have this effect on this dataset of this tenant? */
export function mayAffect(actor: Actor, action: string, target: { readonly tenant_id: string; readonly dataset_id: string }): boolean {
  return actor.grants.some(
    (grant) =>
      grant.actions.some((pattern) => matches(pattern, action)) &&
      grant.tenants.some((pattern) => pattern === '*' || pattern === target.tenant_id) &&
      grant.datasets.some((pattern) => pattern === '*' || pattern === target.dataset_id),
  );
}

/** Nobody grants more than they have: every right of `wanted` is a right of `held`. */
export function coversGrants(held: readonly Grant[], wanted: readonly Grant[]): boolean {
  const within = (outer: readonly string[], inner: readonly string[]) =>
    inner.every((value) => outer.some((pattern) => matches(pattern, value)));
  return wanted.every((grant) =>
    grant.actions.every((action) =>
      held.some((own) => within(own.actions, [action]) && within(own.tenants, grant.tenants) && within(own.datasets, grant.datasets)),
    ),
  );
}

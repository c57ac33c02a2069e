import { digestOf } from '../evidence/digest.ts';
import { canonicalJson } from '../evidence/jcs.ts';
import type { Unit } from '../journal/unit.ts';
import { factRecord, type HandoffContext } from './handoff-unit.ts';

/** What a permit admits, as it was issued. None of it ever changes. */
export type PermitTerms = {
  readonly permit_id: string;
  readonly kind: 'single' | 'bulk';
  readonly object_key: string | null;
  readonly object_type: string | null;
  readonly max_births: number | null;
  readonly reason: string;
  readonly issued_at: string;
  readonly issued_by: string;
  readonly expires_at: string | null;
};

/** The bytes that a permit's seal covers; nothing else that is signed begins like this. */
export function permitBytes(terms: PermitTerms): Uint8Array {
  const { permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at } = terms;
  const body = canonicalJson({ permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at });
  return new TextEncoder().encode(`govctl birth permit v1\n${body}`);
}

export type PermitState = 'open' | 'used' | 'expired' | 'revoked' | 'invalid';

export type PermitUse = {
  readonly birth_count: number;
  readonly used_at: string | null;
  readonly revoked_at: string | null;
  /** Whether the seal is this deployment's and covers the terms as they stand. */
  readonly sealed: boolean;
};

/** What a permit still admits; what was tampered with is never anything else than invalid. */
export function permitState(permit: PermitTerms & PermitUse, now: string): PermitState {
  if (!permit.sealed) return 'invalid';
  if (permit.revoked_at !== null) return 'revoked';
  const full = permit.kind === 'single' ? permit.used_at !== null : permit.max_births !== null && permit.birth_count >= permit.max_births;
  if (full) return 'used';
  return permit.expires_at !== null && permit.expires_at <= now ? 'expired' : 'open';
}

export type PermitWrites = {
  /** The record of a permit's issue, once for ever. */
  'birth-permit.record': { readonly permit_id: string; readonly evidence_ref: string; readonly recorded_at: string };
};

/** The record of who issued a permit: of the permit as it stands, which may have been issued while nothing could be recorded. */
export function recordPermit(context: HandoffContext, terms: PermitTerms): Unit {
  const { reason, ...detail } = terms;
  const draft = factRecord(context, {
    fact: 'birth-permit.issue',
    subject: `birth-permit/${terms.permit_id}`,
    reason,
    detail: { ...detail },
  });
  const values = { permit_id: terms.permit_id, evidence_ref: draft.ref, recorded_at: context.at };
  return { label: 'birth-permit.issue', changes: [{ write: 'birth-permit.record', values }], records: [draft], events: [] };
}

/** The record of a permit's end before its time; the permit is revoked by then, whether this can be recorded or not. */
export function recordRevocation(context: HandoffContext, terms: PermitTerms, reason: string): Unit {
  const draft = factRecord(context, {
    fact: 'birth-permit.revoke',
    subject: `birth-permit/${terms.permit_id}`,
    reason,
    detail: { permit_id: terms.permit_id, terms_digest: digestOf(permitBytes(terms)) },
  });
  return { label: 'birth-permit.revoke', changes: [], records: [draft], events: [] };
}

import { Problem, type ProblemReason } from '@govctl/core/api';
import type { BirthLine, PermitTerms } from '@govctl/core/handoff';

export type PermitRow = PermitTerms & {
  readonly birth_count: number;
  readonly used_at: string | null;
  /** Null for one that was not issued by a daemon that seals them. */
  readonly seal: string | null;
  readonly revoked_at: string | null;
  readonly revoked_by: string | null;
  readonly revoke_reason: string | null;
};

export type Revocation = { readonly permit_id: string; readonly revoked_at: string; readonly revoked_by: string; readonly reason: string };
export type AdmittedLine = BirthLine & { readonly permit_id?: string | undefined };
export type BirthReceipt = { born: number; changed: number; retired: number; already: number };

export type RevokedPermit = { readonly permit: PermitRow | undefined; readonly changed: boolean };

/** The writer of births. It knows nothing of governance: a birth is acknowledged when it is durable in the birth tables. */
export type Births = {
  /** @throws Problem `conflict` when the permit_id is taken. */
  issue(permit: PermitTerms): void | Promise<void>;
  /** The newest first; of one object where one is named. */
  permits(filter: { readonly object_key: string | null; readonly limit: number }): PermitRow[] | Promise<PermitRow[]>;
  /** `changed` is false where it was revoked or used up before. */
  revoke(revocation: Revocation): RevokedPermit | Promise<RevokedPermit>;
  /**
   * Registers births under their permits, and changes: all lines, or none. What is known by (object_key, change, born_at) is counted,
   * not repeated, so a request can be sent again after a lost answer.
   *
   * @throws Problem `unprocessable` with a reason per refused line; `unavailable` when births cannot be written. Nothing was done.
   */
  add(lines: readonly AdmittedLine[], now: string): BirthReceipt | Promise<BirthReceipt>;
};

const shownReasons = 100;

/** Why lines were refused, by their place in the request. */
export function refusedLines(reasons: readonly ProblemReason[], lines: number): Problem {
  return new Problem('unprocessable', {
    detail: `${reasons.length} of ${lines} lines were refused, so none was registered`,
    hint: 'no permit, no birth: govctl birth permit issue KEY --type TYPE --reason TEXT',
    reasons: reasons.slice(0, shownReasons),
  });
}

export function refusedLine(index: number, line: BirthLine, refusal: string): ProblemReason {
  return { path: `lines[${index}]`, message: `${line.object_key}: ${refusal}` };
}

export function permitTaken(permit: PermitTerms): Problem {
  return new Problem('conflict', { detail: `permit ${permit.permit_id} exists`, hint: 'leave --permit-id out to get a new one' });
}

export function payloadText(line: BirthLine): string | null {
  return line.payload === undefined ? null : JSON.stringify(line.payload);
}

/** Why a birth that is known already is not the one of the line; null when it is. */
export function knownRefusal(known: { readonly object_type: string }, line: BirthLine): string | null {
  if (known.object_type === line.object_type) return null;
  return `was born at ${line.born_at} as ${known.object_type}, not ${line.object_type}`;
}

/** What was issued, of a permit as it stands now. */
export function termsOf(permit: PermitRow): PermitTerms {
  const { permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at } = permit;
  return { permit_id, kind, object_key, object_type, max_births, reason, issued_at, issued_by, expires_at };
}

/** A permit as it is found: whether its seal holds, and a birth that was registered under it where it admits one only. */
export type FoundPermit = { readonly row: PermitRow; readonly sealed: boolean; readonly born: boolean };

/** Why a permit does not admit a birth, where `used` births of the same request already stand under it; null when it does. */
export function permitRefusal(permit: FoundPermit | undefined, line: BirthLine, used: number, now: string): string | null {
  if (permit === undefined) return 'does not exist';
  const { row, sealed, born } = permit;
  if (!sealed) return 'is not as it was issued: its seal does not hold';
  if (row.revoked_at !== null) return `was revoked at ${row.revoked_at} by ${row.revoked_by}: ${row.revoke_reason}`;
  if (row.kind === 'single' && (row.object_key !== line.object_key || row.object_type !== line.object_type)) {
    return `admits ${row.object_type} ${row.object_key}, not ${line.object_type} ${line.object_key}`;
  }
  if (row.kind === 'single' && row.used_at !== null) return `was used at ${row.used_at}: it admits one birth`;
  if (row.kind === 'single' && (born || used > 0)) return 'was used: it admits one birth';
  if (row.expires_at !== null && row.expires_at <= now) return `expired at ${row.expires_at}`;
  const limit = row.max_births;
  return row.kind === 'bulk' && limit !== null && row.birth_count + used >= limit ? `admits ${limit} births and has admitted them` : null;
}

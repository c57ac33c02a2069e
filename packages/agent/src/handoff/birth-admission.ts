import { Problem, type ProblemReason } from '@govctl/core/api';
import type { BirthLine } from '@govctl/core/handoff';

export type PermitRow = {
  permit_id: string;
  kind: 'single' | 'bulk';
  object_key: string | null;
  object_type: string | null;
  max_births: number | null;
  birth_count: number;
  reason: string;
  issued_at: string;
  issued_by: string;
  expires_at: string | null;
  used_at: string | null;
};

export type NewPermit = Omit<PermitRow, 'birth_count' | 'used_at'>;
export type AdmittedLine = BirthLine & { readonly permit_id?: string | undefined };
export type BirthReceipt = { born: number; changed: number; retired: number; already: number };

/** The writer of births. It knows nothing of governance: a birth is acknowledged when it is durable in the birth tables. */
export type Births = {
  /** @throws Problem `conflict` when the permit_id is taken. */
  issue(permit: NewPermit): void | Promise<void>;
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
  return { path: `lines.${index}`, message: `${line.object_key}: ${refusal}` };
}

export function permitTaken(permit: NewPermit): Problem {
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

/** Why a permit does not admit a birth, where `used` births of the same request already stand under it; null when it does. */
export function permitRefusal(permit: PermitRow | undefined, line: BirthLine, used: number, now: string): string | null {
  if (permit === undefined) return 'does not exist';
  if (permit.expires_at !== null && permit.expires_at <= now) return `expired at ${permit.expires_at}`;
  if (permit.kind === 'bulk') {
    const limit = permit.max_births;
    return limit !== null && permit.birth_count + used >= limit ? `admits ${limit} births and has admitted them` : null;
  }
  if (permit.object_key !== line.object_key || permit.object_type !== line.object_type) {
    return `admits ${permit.object_type} ${permit.object_key}, not ${line.object_type} ${line.object_key}`;
  }
  return permit.used_at !== null || used > 0 ? 'was used' : null;
}

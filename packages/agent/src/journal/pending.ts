import { Problem } from '@govctl/core/api';
import { leafBody, leafHash, type Signer, signPayload } from '@govctl/core/evidence';
import type { CommittedRecord, Unit } from '@govctl/core/journal';
import type { CommitResult, LogSeal } from './journal.ts';

export type Leaf = { readonly body: Uint8Array; readonly hash: Uint8Array };

/** A unit that waits for its durable commit, signed. */
export type Pending = {
  readonly unit: Unit;
  readonly leaves: readonly Leaf[];
  readonly resolve: (result: CommitResult) => void;
  readonly reject: (error: unknown) => void;
};

/** What became of a unit inside its group: written, refused by a guard, or broken by a fault of its own. */
export type Outcome = { readonly guard: string } | { readonly fault: unknown } | { readonly records: readonly CommittedRecord[] };

/** @throws Problem `evidence-unavailable` when the unit has evidence and the log may not be signed */
export function requireSigning(unit: Unit, seal: LogSeal): void {
  const refusal = unit.records.length > 0 ? seal.refusal() : null;
  if (refusal === null) return;
  throw new Problem('evidence-unavailable', {
    detail: refusal,
    hint: 'what is wrong: govctl doctor; after a restore: govd log adopt --state-dir D --reason ...',
  });
}

/** Signed leaves of a unit's records, in their order. Outside of any transaction: signatures are what costs time. */
export function leavesOf(unit: Unit, signer: Signer): Leaf[] {
  return unit.records.map((record) => {
    const body = leafBody(record.ref, [signPayload(record.payload, signer)]);
    return { body, hash: leafHash(body) };
  });
}

/** Whether a statement changed as many rows as its guard demands. */
export function holds(changed: number, expected: number | 'any'): boolean {
  return expected === 'any' || changed === expected;
}

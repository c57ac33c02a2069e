/** A row of governance_candidate_state. `retired_at` not older than `born_at` means retired; a later birth is a new incarnation. */
export type CandidateRow = {
  readonly object_key: string;
  readonly object_type: string | null;
  readonly state: 'captured' | 'activated';
  readonly dirty: 0 | 1;
  readonly born_at: string | null;
  readonly retired_at: string | null;
  readonly changelog_id: number;
  readonly first_seen_at: string;
  readonly last_seen_at: string;
  readonly activated_at: string | null;
  readonly decision_ref: string | null;
};

/** Retired, by the registry's own times: a retirement ends every birth up to its moment. Stored times compare as text. */
export function isRetired(row: Pick<CandidateRow, 'born_at' | 'retired_at'>): boolean {
  return row.retired_at !== null && (row.born_at === null || row.retired_at >= row.born_at);
}

export type CandidateStatus = 'captured' | 'activated' | 'retired' | 'unborn';

/** What a person is told: retired and unborn (changes were seen, a birth never was) come before the stored state. */
export function candidateStatus(row: Pick<CandidateRow, 'state' | 'born_at' | 'retired_at'>): CandidateStatus {
  if (isRetired(row)) return 'retired';
  return row.born_at === null ? 'unborn' : row.state;
}

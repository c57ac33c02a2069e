import type { CheckFact, QualityCheck } from './check.ts';

/** A row of `quality_import`, its checks parsed. */
export type ImportRow = {
  readonly snapshot_id: string;
  readonly source_kind: string;
  readonly source_digest: string;
  readonly imported_at: string;
  readonly checks: readonly QualityCheck[];
};

type Origin = Pick<CheckFact, 'snapshot_id' | 'source_kind' | 'source_digest' | 'imported_at'>;

/**
 * Of each check name, the results of the newest import that has it. `imports` come oldest first. A name that occurs twice in one
 * import keeps both results: which of the two holds is not for this function to choose.
 */
export function latestChecks(imports: readonly ImportRow[]): CheckFact[] {
  const latest = new Map<string, CheckFact[]>();
  for (const { checks, ...origin } of imports) {
    const own = new Map<string, CheckFact[]>();
    for (const check of checks) {
      const fact = checkFact(check, origin);
      const same = own.get(check.name);
      if (same === undefined) own.set(check.name, [fact]);
      else same.push(fact);
    }
    for (const [name, facts] of own) latest.set(name, facts);
  }
  return [...latest.values()].flat();
}

/**
 * Stored checks, and those of a submitted bundle that nothing stored speaks of. A bundle cannot overrule what was imported:
 * where the two differ, the name is returned as contradicted.
 */
export function mergeChecks(
  stored: readonly CheckFact[],
  submitted: readonly QualityCheck[],
  origin: Origin,
): { checks: readonly CheckFact[]; contradicted: string[] } {
  if (submitted.length === 0) return { checks: stored, contradicted: [] };
  const known = new Map(stored.map((check) => [check.name, check]));
  const added: CheckFact[] = [];
  const contradicted: string[] = [];
  for (const check of submitted) {
    const own = known.get(check.name);
    if (own === undefined) added.push(checkFact(check, origin));
    else if (own.status !== check.status || own.ran_at !== check.ran_at) contradicted.push(check.name);
  }
  return { checks: [...stored, ...added], contradicted };
}

function checkFact(check: QualityCheck, origin: Origin): CheckFact {
  const { name, status, severity, ran_at, message } = check;
  const { snapshot_id, source_kind, source_digest, imported_at } = origin;
  return { name, status, severity, ran_at, message, snapshot_id, source_kind, source_digest, imported_at };
}

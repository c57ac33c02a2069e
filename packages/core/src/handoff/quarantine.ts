/** A row that stands aside, as a retry finds it. Rows come in the order in which their effects must: by object, source and id. */
export type RetriedRow = {
  readonly source: string;
  readonly id: number;
  /** Null where the row tells none: then it keeps nothing waiting. */
  readonly object_key: string | null;
  /** Why it cannot be applied now either; null when it can. */
  readonly fault: string | null;
};

export type RetryPlan<Row extends RetriedRow> = { readonly apply: Row[]; readonly fail: Row[]; readonly wait: Row[] };

/** What is stored as the error of a row that is in the quarantine and in no source. */
export const goneError = 'the row is not there any more: there is nothing to apply, discard it';
/** What is stored as the error of a row that only waits. */
export const waitingError = 'waits behind a quarantined row of the same object';

/** A key's history is applied in order or not at all: the first row that fails again keeps the rest of its object waiting. */
export function planRetry<Row extends RetriedRow>(rows: readonly Row[]): RetryPlan<Row> {
  const plan: RetryPlan<Row> = { apply: [], fail: [], wait: [] };
  const stopped = new Set<string>();
  for (const row of rows) {
    if (row.object_key !== null && stopped.has(row.object_key)) plan.wait.push(row);
    else if (row.fault === null) plan.apply.push(row);
    else {
      plan.fail.push(row);
      if (row.object_key !== null) stopped.add(row.object_key);
    }
  }
  return plan;
}

/** What the journal writes of the audit contract; values are rows in the words of the tables. */
export type AuditWrites = {
  /** Guarded by its key: whoever finds the same thing a second time writes, and tells, nothing. */
  'audit-finding.insert': {
    readonly run_id: string;
    readonly class: string;
    readonly domain: string;
    readonly action: string;
    readonly detail: string;
    readonly found_at: string;
  };
  /** An ack beside the run: of a unit that was undone. */
  'audit-ack.insert': {
    readonly run_id: string;
    readonly domain: string;
    readonly action: string;
    readonly result_id: string | null;
    readonly status: string | null;
    readonly rollback_reason: string | null;
    readonly metadata: string;
    readonly at: string;
  };
  'reconcile-report.insert': {
    readonly digest: string;
    readonly as_of: string;
    readonly clean: number;
    readonly findings: number;
    readonly by_class: string;
    readonly checked: string;
    readonly evidence_ref: string;
  };
};

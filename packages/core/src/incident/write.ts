/** What the journal writes of incidents; values are rows in the words of the table. */
export type IncidentWrites = {
  /** The id is made from the run and what happened: the same incident is opened once, whoever finds it a second time. */
  'incident.open': {
    readonly incident_id: string;
    readonly run_id: string | null;
    readonly tenant_id: string;
    readonly dataset_id: string | null;
    readonly kind: string;
    readonly run_status: string | null;
    readonly error_code: string;
    readonly severity: string;
    readonly reason: string;
    readonly opened_at: string;
  };
  'incident.resolve': {
    readonly incident_id: string;
    readonly resolved_at: string;
    readonly resolved_by: string;
    readonly resolve_reason: string;
  };
};

/** The writes of evidence access. Records, leaves and heads are the journal's own: every unit may carry them. */
export type EvidenceWrites = {
  /** With the resolution, before the capability exists: what can be listed and taken back. */
  'capability.issue': {
    readonly jti: string;
    readonly ref: string;
    readonly tenant_id: string;
    readonly dataset_id: string | null;
    readonly actor_id: string;
    readonly resolution_ref: string;
    readonly issued_at: string;
    readonly expires_at: string;
  };
  /** The insert is the single use; of one that was taken back there is none. */
  'capability.use': { readonly jti: string; readonly used_at: string };
  /** Another part of what was opened, while it may still be used. */
  'capability.resume': { readonly jti: string; readonly now: string; readonly most: number };
  /** `jtis` is a JSON array. */
  'capability.revoke': { readonly jtis: string; readonly revoked_at: string; readonly revoked_by: string };
  /** Capabilities that expired before this time, and their uses: no clock lets them in again. */
  'capability.forget': { readonly before: string };
  'capability-use.forget': { readonly before: string };
  /** The row of a disposition; lost when another one was announced since its list was made. */
  'disposition.announce': {
    readonly number: number;
    readonly disposition_id: string;
    readonly rule: string;
    readonly records: number;
    readonly bytes: number;
    readonly refs_digest: string;
    readonly evidence_ref: string;
    readonly reason: string;
    readonly announced_at: string;
    readonly announced_by: string;
  };
  /** What it is about; `leaves` is a JSON array of leaf indexes as text. */
  'disposition.list': { readonly disposition_id: string; readonly leaves: string };
  /** Payloads and facts of a stretch of the log that a disposition lists; not those of a dataset on hold. */
  'payload.erase': { readonly disposition_id: string; readonly after: number; readonly upto: number };
  'facts.erase': { readonly disposition_id: string; readonly after: number; readonly upto: number };
};

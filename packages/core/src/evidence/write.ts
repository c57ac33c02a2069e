/** The writes of evidence access. Records, leaves and heads are the journal's own: every unit may carry them. */
export type EvidenceWrites = {
  /** The insert is the single use. */
  'capability.use': {
    readonly jti: string;
    readonly ref: string;
    readonly actor_id: string;
    readonly used_at: string;
    readonly expires_at: string;
  };
  /** Uses of capabilities that expired before this time: no clock lets them in again. */
  'capability.forget': { readonly before: string };
};

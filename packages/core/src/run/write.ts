/** The writes that hold, prolong, give back and break locks in the name of runs, and suspend tenants. */
export type RunControlWrites = {
  /** Takes a free lock for a run that waits: nobody else becomes the writer of the target meanwhile. */
  'lock.keep': {
    readonly lock_key: string;
    readonly expected_fence: number;
    readonly holder: string;
    readonly at: string;
    readonly expires_at: string;
  };
  /** Only while it is still the holder's own, with the fence it was given. */
  'lock.prolong': { readonly lock_key: string; readonly fence: number; readonly holder: string; readonly expires_at: string };
  /** Gives a lock back where it is still the holder's own; one that was broken or ran out is no error. */
  'lock.give-back': { readonly lock_key: string; readonly fence: number; readonly holder: string };
  /** Only one suspension of a tenant is open. */
  'tenant.suspend': {
    readonly suspension_id: string;
    readonly tenant_id: string;
    readonly reason: string;
    readonly suspended_at: string;
    readonly suspended_by: string;
    readonly evidence_ref: string;
  };
  'tenant.resume': {
    readonly suspension_id: string;
    readonly resumed_at: string;
    readonly resumed_by: string;
    readonly resume_reason: string;
  };
  /** A fact about every dataset of the tenant moved. */
  'tenant.touch': { readonly tenant_id: string };
  /** The steps of a run that are not in its trace yet: what its state says, from where the trace ends. */
  'trace.follow': { readonly run_id: string; readonly state: string };
  /** Takes a lock away from whoever holds it: the fence moves, so that nothing the holder still writes is taken. */
  'lock.break': { readonly lock_key: string; readonly expected_fence: number };
};

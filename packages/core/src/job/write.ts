/** A row of `job`: what a run of kind `job` has besides its run row. */
export type JobRow = {
  readonly run_id: string;
  readonly tenant_id: string;
  readonly workspace: string;
  readonly job_kind: string;
  /** The YAML, byte for byte. */
  readonly source: string;
  readonly job_digest: string;
  /** Who asked, as JSON: what may be done for them is asked again when it is done. */
  readonly actor: string;
  readonly rerun_of: string | null;
  /** The state folder whose daemon runs it, and that daemon's process; null while nobody does. */
  readonly host: string | null;
  readonly process: string | null;
  readonly stop_asked_at: string | null;
  readonly stop_asked_by: string | null;
  readonly stop_reason: string | null;
  readonly manifest_digest: string | null;
  readonly result_ref: string | null;
  /** JSON array of the snapshots that its outputs became. */
  readonly outputs: string;
};

/** A row of `job_step`: one attempt. */
export type JobStepRow = {
  readonly run_id: string;
  readonly step_index: number;
  readonly attempt: number;
  readonly name: string;
  /** `running`, or what became of it. */
  readonly status: string;
  readonly host: string;
  readonly process: string;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly pid: number | null;
  /** When the process was started, in the words of the kernel that runs it: a pid alone names nobody. */
  readonly pid_start: string | null;
  readonly exit_code: number | null;
  readonly signal: string | null;
  readonly output_digest: string | null;
  /** Bytes it wrote, kept or not. */
  readonly output_bytes: number;
  readonly elapsed_ms: number;
  readonly cost_units: number;
  readonly reason: string | null;
  readonly takeaway: string | null;
  readonly next_action: string | null;
  /** JSON array of what it signalled. */
  readonly signals: string;
};

export type TraceRow = { readonly run_id: string; readonly kind: 'start' | 'step' | 'end'; readonly at: string; readonly body: string };

/** The writes of jobs, their steps and traces, and of the lock that a run holds over time. */
export type JobWrites = {
  'job.insert': Omit<
    JobRow,
    'host' | 'process' | 'stop_asked_at' | 'stop_asked_by' | 'stop_reason' | 'manifest_digest' | 'result_ref' | 'outputs'
  >;
  /** Which process runs it from now on; null: nobody. */
  'job.claim': { readonly run_id: string; readonly host: string | null; readonly process: string | null };
  /** Given back by this process, where it is still its own. */
  'job.release': { readonly run_id: string; readonly process: string };
  /** What its steps made, before anybody judges it. */
  'job.produced': { readonly run_id: string; readonly manifest_digest: string; readonly outputs: string };
  /** The first who asks for the end of a run is who asked. */
  'job.stop': { readonly run_id: string; readonly stop_asked_at: string; readonly stop_asked_by: string; readonly stop_reason: string };
  /** With `unless_stopped`, not where somebody asked for its end: a stop that was accepted is kept. */
  'job.finish': {
    readonly run_id: string;
    readonly manifest_digest: string | null;
    readonly result_ref: string;
    readonly outputs: string;
    readonly unless_stopped: 0 | 1;
  };
  'job-step.insert': JobStepRow;
  'job-step.spawned': {
    readonly run_id: string;
    readonly step_index: number;
    readonly attempt: number;
    readonly pid: number;
    readonly pid_start: string | null;
  };
  /** From running to what became of it. */
  'job-step.end': Omit<JobStepRow, 'name' | 'host' | 'process' | 'started_at' | 'pid' | 'pid_start'> & { readonly ended_at: string };
  'trace.append': TraceRow;
  'job-promotion.insert': { readonly job_run_id: string; readonly run_id: string };
  /** A free, expired or own lock, with the next fence: who held it before commits nothing more. */
  'lock.take': {
    readonly lock_key: string;
    readonly holder: string;
    readonly expected_fence: number;
    readonly at: string;
    readonly expires_at: string;
  };
  /** First in every unit of a run that holds a lock: nobody took it over meanwhile. */
  'lock.renew': { readonly lock_key: string; readonly holder: string; readonly fence: number; readonly expires_at: string };
};

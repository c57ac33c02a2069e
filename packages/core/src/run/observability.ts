/**
 * The observability guard (FIX-004 of the source): no run goes on in the dark unless that was decided beforehand. STRICT fails a run whose
 * trace cannot be written, DEGRADED lets it go on and marks it, PERMISSIVE lets it go on. None of them is silent: a lost trace is an incident.
 */
export const observabilityModes = ['STRICT', 'DEGRADED', 'PERMISSIVE'] as const;
export type ObservabilityMode = (typeof observabilityModes)[number];

export const observedKinds = ['promotion', 'rollback', 'job'] as const;
export type ObservedKind = (typeof observedKinds)[number];

/** What a deployment says, by kind of run; left out is the default. */
export type ObservabilityConfig = { readonly [K in ObservedKind]?: ObservabilityMode | undefined };

/** STRICT for what moves data outside the rehearsal environment, DEGRADED everywhere else. */
export function defaultObservability(environment: string, kind: ObservedKind): ObservabilityMode {
  return environment !== 'local_parity' && kind !== 'job' ? 'STRICT' : 'DEGRADED';
}

/** A rollback is held to what promotions are held to, unless something else is said of it. */
export function observabilityMode(config: ObservabilityConfig, environment: string, kind: ObservedKind): ObservabilityMode {
  const said = config[kind] ?? (kind === 'rollback' ? config.promotion : undefined);
  return said ?? defaultObservability(environment, kind);
}

/** The stricter of what a deployment demands and what a run asks of itself: a run may be held to more, never to less. */
export function stricterMode(deployment: ObservabilityMode, asked: ObservabilityMode | undefined): ObservabilityMode {
  if (asked === undefined) return deployment;
  return observabilityModes.indexOf(asked) < observabilityModes.indexOf(deployment) ? asked : deployment;
}

export const observabilityStatuses = ['DEGRADED', 'LOST'] as const;
export type ObservabilityStatus = (typeof observabilityStatuses)[number];

/** What stands on the run after its trace could not be written. */
export type ObservabilityMark = { readonly observability_status: ObservabilityStatus; readonly observability_error: string };

export type LostTrace = {
  /** Whether the run may go on. */
  readonly goes_on: boolean;
  /** PERMISSIVE does not mark the run. */
  readonly mark: ObservabilityMark | null;
  readonly reason: string;
};

/** What a trace that cannot be written means for a run. */
export function onLostTrace(mode: ObservabilityMode, error: string): LostTrace {
  const reason = `trace cannot be written (${mode}): ${error}`;
  switch (mode) {
    case 'STRICT':
      return { goes_on: false, mark: { observability_status: 'LOST', observability_error: error }, reason };
    case 'DEGRADED':
      return { goes_on: true, mark: { observability_status: 'DEGRADED', observability_error: error }, reason };
    case 'PERMISSIVE':
      return { goes_on: true, mark: null, reason };
  }
}

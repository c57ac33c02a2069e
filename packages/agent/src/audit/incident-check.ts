import type { ReconcileFinding } from '@govctl/core/api';
import type { RunState } from '@govctl/core/promotion';
import { listed, query } from '../db/index.ts';
import { ageSeconds, type Reconciling } from './reconcile-scope.ts';

const incidentsThere = query<{ incident_ids: string }, { incident_id: string }>(
  'incidents that are there',
  listed('incident_ids', (ids) => `SELECT incident_id FROM incident WHERE incident_id IN (${ids})`),
);

/** An incident that a run says was opened for it. */
export type NamedIncident = { readonly incident_id: string; readonly run_id: string; readonly at: string };

export function namedIncidents(run_id: string, { acks }: RunState): NamedIncident[] {
  return acks.flatMap(({ domain, action, result_id, status, at }) =>
    domain === 'incidents' && action === 'create_incident' && result_id !== null && status !== 'ROLLED_BACK'
      ? [{ incident_id: result_id, run_id, at }]
      : [],
  );
}

/** Incidents that runs name and nobody can look at: they were never resolved by anybody, and are gone. */
export async function goneIncidents({ deps, findings, now }: Reconciling, named: readonly NamedIncident[]): Promise<void> {
  const [rows] = await deps.database.read([incidentsThere({ incident_ids: JSON.stringify(named.map(({ incident_id }) => incident_id)) })]);
  const there = new Set(rows.map(({ incident_id }) => incident_id));
  for (const one of named) if (!there.has(one.incident_id)) findings.add(goneFinding(one, now));
}

function goneFinding({ incident_id, run_id, at }: NamedIncident, now: string): ReconcileFinding {
  return {
    class: 'world',
    check: 'incident',
    severity: 'high',
    subject: `run/${run_id}`,
    expected: `incident ${incident_id}`,
    observed: 'none: it was removed past govd',
    age_s: ageSeconds(at, now),
    fix: `govctl why ${run_id}`,
  };
}

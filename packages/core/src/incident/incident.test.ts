import { describe, expect, it } from 'vitest';
import { openIncident } from './incident.ts';

const scope = {
  run_id: 'run-1',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'GDP',
  run_status: 'failed_policy',
  environment: 'local_parity',
  time: '2026-11-26T12:00:00.000Z',
};
const occurrence = { error_code: 'denied', severity: 'medium', reason: 'orders RAW -> GDP: denied by quality' } as const;

describe('an incident', () => {
  it('is one row, one event and the ack of the run, all of the same id', () => {
    const { incident_id, changes, events, ack } = openIncident(occurrence, scope);
    expect(incident_id).toMatch(/^incident-[0-9a-f]{16}$/);
    expect(changes).toEqual([
      {
        write: 'incident.open',
        values: {
          incident_id,
          run_id: 'run-1',
          tenant_id: 'default',
          dataset_id: 'orders',
          kind: 'run',
          run_status: 'failed_policy',
          ...occurrence,
          opened_at: scope.time,
        },
      },
    ]);
    expect(events).toMatchObject([
      { type: 'incident.created', subject: `incident/${incident_id}`, run_id: 'run-1', data: { incident_id } },
    ]);
    expect(ack).toMatchObject({ domain: 'incidents', action: 'create_incident', result_id: incident_id, error: null });
  });

  it('found again is the same one; of another code, run, or moment of the deployment it is another', () => {
    const idOf = (code: string, of: Partial<Parameters<typeof openIncident>[1]> = {}) =>
      openIncident({ ...occurrence, error_code: code }, { ...scope, ...of }).incident_id;
    const later = { time: '2026-11-26T13:00:00.000Z' };
    expect(idOf('denied', later)).toBe(idOf('denied'));
    expect(new Set([idOf('denied'), idOf('stale'), idOf('denied', { run_id: 'run-2' })]).size).toBe(3);
    const system = { run_id: null, dataset_id: null, layer: null, run_status: null };
    expect(idOf('reactor-dead', { ...system, ...later })).not.toBe(idOf('reactor-dead', system));
    expect(openIncident(occurrence, { ...scope, ...system }).changes).toMatchObject([{ values: { kind: 'system', run_id: null } }]);
  });
});

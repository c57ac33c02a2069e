import { expect, test } from 'vitest';
import { cloudEventOf } from './envelope.ts';
import { type EventDraft, eventTypes } from './event.ts';
import { typesMatching } from './filter.ts';

const draft: EventDraft = {
  type: 'store.gdp.promoted',
  subject: 'run/r1',
  time: '2026-11-21T03:00:00.000Z',
  tenant_id: 'default',
  dataset_id: 'orders',
  layer: 'GDP',
  run_id: 'r1',
  environment: 'local_parity',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  data: { decision_ref: 'sha256:x', tenant_id: 'somebody-else' },
};

test('an event is CloudEvents 1.0, and the names of the source documents stand in its data', () => {
  const event = cloudEventOf({ draft, outbox_id: 12, index: 3, position: 70_434 }, '/govd/test');
  expect(event).toEqual({
    specversion: '1.0',
    id: '12.3',
    source: '/govd/test',
    type: 'store.gdp.promoted',
    subject: 'run/r1',
    time: '2026-11-21T03:00:00.000Z',
    datacontenttype: 'application/json',
    position: '70434',
    tenantid: 'default',
    datasetid: 'orders',
    layer: 'GDP',
    runid: 'r1',
    environment: 'local_parity',
    traceparent: draft.traceparent,
    data: { decision_ref: 'sha256:x', tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', run_id: 'r1' },
  });
});

test('attributes have names and values the specification allows, also when little is known', () => {
  const { traceparent: _none, ...bare } = draft;
  const event = cloudEventOf(
    { draft: { ...bare, dataset_id: null, layer: null, run_id: null }, outbox_id: 1, index: 0, position: 1 },
    '/govd/test',
  );
  for (const [name, value] of Object.entries(event)) {
    expect(name).toMatch(/^[a-z0-9]{1,20}$/);
    if (name !== 'data') expect(typeof value).toBe('string');
  }
  expect(event.data).toMatchObject({ dataset_id: null, layer: null, run_id: null });
  expect(Object.keys(event)).not.toContain('datasetid');
});

test('types are chosen by name or by the beginning of it', () => {
  expect(typesMatching(undefined)).toEqual(new Set(eventTypes));
  expect(typesMatching('run.*, store.gdp.promoted')).toEqual(
    new Set(['run.started', 'run.completed', 'run.failed', 'run.paused', 'run.resumed', 'store.gdp.promoted']),
  );
  expect(typesMatching('run')).toBeNull();
  expect(typesMatching('run.*,nothing.like.it')).toBeNull();
  expect(typesMatching('')).toBeNull();
});

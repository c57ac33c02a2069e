import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type EventDraft, eventTypes } from './event.ts';
import { packEvents, unpackEvents } from './pack.ts';

const draft = fc.record({
  type: fc.constantFrom(...eventTypes),
  subject: fc.constantFrom('run/a', 'run/b'),
  time: fc.constant('2026-01-01T00:00:00.000Z'),
  tenant_id: fc.constantFrom('default', 'other'),
  dataset_id: fc.constantFrom(null, 'orders'),
  layer: fc.constant(null),
  run_id: fc.constantFrom(null, 'r1'),
  environment: fc.constant('dev'),
  data: fc.dictionary(fc.string(), fc.integer()),
}) as fc.Arbitrary<EventDraft>;

it('gives back what was packed, whether the events share their scope or not', () => {
  fc.assert(
    fc.property(fc.array(draft, { maxLength: 8 }), (drafts) => {
      expect(unpackEvents(packEvents(drafts))).toEqual(JSON.parse(JSON.stringify(drafts)));
    }),
  );
});

it('writes what is shared once', () => {
  const shared = { subject: 'run/a', time: 't', tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', run_id: 'r', environment: 'dev' };
  const drafts = eventTypes.map((type) => ({ type, ...shared, data: {} }));
  expect(packEvents(drafts).split('"orders"').length).toBe(2);
});

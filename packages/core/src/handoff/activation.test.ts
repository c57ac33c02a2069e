import { describe, expect, it } from 'vitest';
import { digestOf, factsDigestOf, parseStatement } from '../evidence/index.ts';
import { type ActivationFacts, type CandidateRow, candidateStatus, decideActivation, recordActivation } from './index.ts';

const candidate: CandidateRow = {
  object_key: 'dot_tools/crm',
  object_type: 'dot_tools',
  state: 'captured',
  dirty: 1,
  born_at: '2026-11-20T10:00:00.000001Z',
  retired_at: null,
  changelog_id: 0,
  first_seen_at: '2026-11-20T10:00:01.000Z',
  last_seen_at: '2026-11-20T10:00:01.000Z',
  activated_at: null,
  decision_ref: null,
};
const facts: ActivationFacts = {
  as_of: '2026-11-21T03:00:00.000Z',
  object_key: 'dot_tools/crm',
  candidate,
  ospa_count: 1,
  coverage: { state: 'ok', reason: 'fine', lag_rows: 0, last_poll_at: '2026-11-21T02:59:59.000Z' },
  event_type: { event_type: 'handoff.object_born', active: true, pending_of_object: 0 },
};

function verdict(more: Partial<ActivationFacts>): string {
  const { decision, gates } = decideActivation({ ...facts, ...more });
  return `${decision} ${gates.map((gate) => `${gate.code}=${gate.outcome}`).join(' ')}`;
}
const unknown = { ...facts.coverage, state: 'unknown' as const };

describe('activation', () => {
  it.each([
    ['allow candidate=pass coverage=pass ospa=pass pending-events=pass', {}],
    ['defer candidate=pass coverage=pass ospa=defer pending-events=pass', { ospa_count: 0 }],
    ['defer candidate=pass coverage=defer ospa=pass pending-events=pass', { coverage: unknown }],
    ['defer candidate=pass coverage=pass ospa=pass pending-events=defer', { event_type: { ...facts.event_type, pending_of_object: 1 } }],
    [
      'allow candidate=pass coverage=pass ospa=pass pending-events=not_required',
      { event_type: { ...facts.event_type, active: false, pending_of_object: 1 } },
    ],
    [
      'deny candidate=fail coverage=pass ospa=pass pending-events=pass',
      { candidate: { ...candidate, retired_at: '2026-11-20T10:00:00.000001Z' } },
    ],
    ['deny candidate=fail coverage=pass ospa=pass pending-events=pass', { candidate: { ...candidate, born_at: null } }],
    [
      'deny candidate=fail coverage=defer ospa=defer pending-events=pass',
      { candidate: { ...candidate, born_at: null }, coverage: unknown, ospa_count: 0 },
    ],
  ] as const)('%s', (expected, more) => expect(verdict(more)).toBe(expected));

  it('names what it waits for, and a command for everything that is not a pass', () => {
    const decision = decideActivation({ ...facts, coverage: unknown, ospa_count: 0 });
    expect(decision.waiting_on).toEqual(['coverage', 'ospa']);
    for (const gate of decision.gates) expect(gate.resolve !== null).toBe(gate.outcome === 'defer');
  });

  it('is the same for the same facts, and has another input digest for others', () => {
    expect(decideActivation(facts)).toEqual(decideActivation(structuredClone(facts)));
    expect(decideActivation(facts).input_digest).not.toBe(decideActivation({ ...facts, ospa_count: 2 }).input_digest);
  });

  it.each([1, 0])('is recorded with the digest of the facts kept beside it, whatever it says (OSPA %i)', (ospa_count) => {
    const asked = { ...facts, ospa_count };
    const context = {
      actor: { actor_id: 'HUMAN::o', authenticated_by: 'api-key:k' },
      environment: 'local_parity',
      service_release_id: 'govd-test',
      at: facts.as_of,
      salt: '0'.repeat(32),
    };
    const [draft] = recordActivation(context, asked, decideActivation(asked), 0).records;
    const parsed = parseStatement(JSON.parse(Buffer.from(draft?.payload ?? '').toString('utf8')));
    expect(draft?.facts).toBeDefined();
    expect(parsed.ok && factsDigestOf(parsed.statement)).toBe(digestOf(draft?.facts ?? ''));
  });
});

it('calls a candidate retired until a later birth, to the microsecond', () => {
  const status = (born_at: string | null, retired_at: string | null) => candidateStatus({ ...candidate, born_at, retired_at });
  expect(status('2026-11-20T10:00:00.000001Z', '2026-11-20T10:00:00.000001Z')).toBe('retired');
  expect(status('2026-11-20T10:00:00.000002Z', '2026-11-20T10:00:00.000001Z')).toBe('captured');
  expect(status(null, '2026-11-20T10:00:00.000001Z')).toBe('retired');
  expect(status(null, null)).toBe('unborn');
});

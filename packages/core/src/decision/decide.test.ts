import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DecisionCase, decisionCases } from '../../../../fixtures/decision/corpus.ts';
import { compilePacks } from '../policy/compile.ts';
import { decide, decisionDigest } from './decide.ts';
import { type DecisionBody, type GateAnswer, outcomes } from './decision.ts';
import type { Facts } from './facts.ts';
import { fromFactsFile, toFactsFile } from './facts-file.ts';
import { gatesOf } from './gate-list.ts';
import { buildInput, factsDigest } from './input.ts';
import { verdictOf } from './verdict-of.ts';

const cases = decisionCases();
const anyCase = fc.constantFrom(...cases);

function judge(facts: Facts, now: string = facts.as_of): DecisionBody {
  return decide(buildInput(facts), compilePacks(facts.packs), now);
}

describe('decide', () => {
  it('gives the same body for the same facts, whatever the order of their keys', () => {
    fc.assert(
      fc.property(anyCase, fc.infiniteStream(fc.nat()), ({ facts }, random) => {
        const other = shuffled(facts, () => random.next().value ?? 0) as Facts;
        expect(decisionDigest(judge(other))).toBe(decisionDigest(judge(facts)));
        expect(judge(facts)).toEqual(judge(facts));
      }),
    );
  });

  it('answers every gate of the set once, then every rule of every pinned pack', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        const body = judge(facts);
        const structural = gatesOf[body.gate_set].map(({ code }) => code);
        expect(body.gates.slice(0, structural.length).map(({ code }) => code)).toEqual(structural);
        expect(new Set(body.gates.map(({ code }) => code)).size).toBe(body.gates.length);
        for (const gate of body.gates) {
          expect(gate.reason).not.toBe('');
          if (gate.outcome === 'pass') expect(gate.resolve).toBeNull();
          if (gate.outcome === 'fail' || gate.outcome === 'defer') expect(gate.resolve?.command).toMatch(/^govctl /);
        }
      }),
    );
  });

  it('never allows a promotion without a check', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        fc.pre(facts.request.promotion_type !== 'rollback');
        const bundle = facts.bundle === null ? null : { ...facts.bundle, checks: [] };
        expect(judge({ ...facts, bundle, checks: [] }).decision).not.toBe('allow');
      }),
    );
  });

  it('never turns a deny or a defer into an allow because evidence went away', () => {
    // Where a person waived quality itself, what evidence says of it no longer counts.
    const judged = cases.filter(({ facts }) => facts.waivers.every(({ rule }) => rule !== 'quality'));
    for (const one of judged.filter(({ expect: { decision } }) => decision !== 'allow')) {
      for (const [what, facts] of withoutEvidence(one)) {
        expect(`${one.name}, without ${what}: ${judge(facts).decision}`).not.toMatch(/: allow$/);
      }
    }
  });

  it('never allows more because an approval or a waiver went away, or expired', () => {
    const yes = cases.flatMap(({ name, facts }) => [
      ...facts.waivers.map((gone) => [name, facts, { ...facts, waivers: facts.waivers.filter((one) => one !== gone) }] as const),
      ...facts.approvals
        .filter(({ verdict }) => verdict === 'approve')
        .map((gone) => [name, facts, { ...facts, approvals: facts.approvals.filter((one) => one !== gone) }] as const),
    ]);
    expect(yes.length).toBeGreaterThan(20);
    const rank = { deny: 0, defer: 1, allow: 2 };
    for (const [name, facts, less] of yes) {
      expect([name, rank[judge(less).decision] <= rank[judge(facts).decision]]).toEqual([name, true]);
    }
  });

  it('never turns an allow into anything but a deny or a defer when something stands in the way', () => {
    for (const { name, facts } of cases.filter(({ expect: { decision } }) => decision === 'allow')) {
      const lock = { holder: 'another-run', fence: 9, expires_at: '2027-01-01T00:00:00.000Z' };
      expect([name, judge({ ...facts, lock }).decision]).toEqual([name, 'defer']);
      const quarantined = facts.snapshot === null ? null : { ...facts.snapshot, quarantined_at: facts.as_of };
      expect([name, judge({ ...facts, snapshot: quarantined }).decision]).toEqual([name, 'deny']);
    }
  });

  it('is valid for fifteen minutes from the moment it is made as of', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        const { valid_from, valid_until } = judge(facts);
        expect(valid_from).toBe(facts.as_of);
        expect(Date.parse(valid_until) - Date.parse(valid_from)).toBe(15 * 60_000);
      }),
    );
  });

  it('judges as of another moment when asked to', () => {
    const { facts } = named('raw to gdp, everything in order');
    expect(judge(facts).decision).toBe('allow');
    const later = judge(facts, '2026-11-23T12:00:00.000Z');
    expect([later.decision, later.waiting_on, later.valid_from]).toEqual(['defer', ['freshness'], '2026-11-23T12:00:00.000Z']);
  });

  it('says on a defer what it waits for, until when, and what then', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        const body = judge(facts);
        const waiting = body.gates.filter(({ outcome }) => outcome === 'defer').map(({ code }) => code);
        if (body.decision !== 'defer') {
          expect([body.waiting_on, body.next_eligible_at, body.then]).toEqual([undefined, undefined, undefined]);
          return;
        }
        expect(body.waiting_on).toEqual(waiting);
        expect(body.then).toBe('deny');
        expect(Date.parse(body.next_eligible_at ?? '')).toBeGreaterThanOrEqual(Date.parse(facts.as_of) + 60_000);
      }),
    );
  });

  it('waits for the moment that evidence from the future becomes present', () => {
    const body = judge(named('a bundle from the future').facts);
    expect(body.next_eligible_at).toBe('2026-11-21T12:55:00.000Z');
  });

  it('refuses a moment that is none', () => {
    const { facts } = named('raw to gdp, everything in order');
    expect(() => decide(buildInput(facts), [], 'now')).toThrow(RangeError);
  });
});

describe('verdictOf', () => {
  it('denies when nothing was evaluated', () => {
    expect(verdictOf([])).toBe('deny');
    expect(verdictOf([{ outcome: 'not_required' }])).toBe('deny');
  });

  it('is the worst of the answers, whatever their order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...outcomes)), (list) => {
        const verdict = verdictOf(list.map((outcome) => ({ outcome })));
        const has = (outcome: GateAnswer['outcome']) => list.includes(outcome);
        expect(verdict).toBe(has('fail') ? 'deny' : has('defer') ? 'defer' : has('pass') ? 'allow' : 'deny');
      }),
    );
  });
});

describe('digests', () => {
  it('the facts are the same with and without the sources of their packs', () => {
    const { facts } = named('raw to gdp, everything in order');
    const bare = { ...facts, packs: facts.packs.map(({ name, version, digest }) => ({ name, version, digest })) };
    expect(bare).not.toEqual(facts);
    expect(factsDigest(bare)).toBe(factsDigest(facts));
    expect(decisionDigest(decide(buildInput(bare), compilePacks(facts.packs), facts.as_of))).toBe(decisionDigest(judge(facts)));
  });

  it('facts survive their file', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        const read = fromFactsFile(JSON.parse(JSON.stringify(toFactsFile(facts))));
        expect(decisionDigest(judge(read))).toBe(decisionDigest(judge(facts)));
      }),
    );
  });

  it('a file with a field nobody knows is refused', () => {
    const file = toFactsFile(named('raw to gdp, everything in order').facts);
    expect(() => fromFactsFile({ ...file, allow: true })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
    expect(() => fromFactsFile({ ...file, lock: { holder: 'x' } })).toThrow(expect.objectContaining({ code: 'invalid-request' }));
  });

  it('a decision keeps its digest through JSON and beside what was recorded later', () => {
    fc.assert(
      fc.property(anyCase, ({ facts }) => {
        const body = judge(facts);
        const stored = { ...(JSON.parse(JSON.stringify(body)) as DecisionBody), decision_ref: 'sha256:x', dry_run: true };
        expect(decisionDigest(stored)).toBe(decisionDigest(body));
      }),
    );
  });

  it('a decision with another answer has another digest', () => {
    const body = judge(named('raw to gdp, everything in order').facts);
    const [first, ...rest] = body.gates;
    if (first === undefined) throw new Error('no gate');
    expect(decisionDigest({ ...body, gates: [{ ...first, reason: 'other' }, ...rest] })).not.toBe(decisionDigest(body));
    expect(decisionDigest({ ...body, valid_until: body.valid_from })).not.toBe(decisionDigest(body));
  });
});

function named(name: string): DecisionCase {
  const found = cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the corpus has no '${name}'`);
  return found;
}

/** The case with one piece of evidence less, for every piece. What only limits (a failing optional check, a stale one) is none. */
function* withoutEvidence({ facts }: DecisionCase): Generator<[what: string, facts: Facts]> {
  for (const field of ['snapshot', 'contract', 'policy', 'coverage', 'ospa_count', 'rollback'] as const)
    yield [field, { ...facts, [field]: null }];
  for (const field of ['packs', 'signer_keys'] as const) yield [field, { ...facts, [field]: [] }];
  yield ['grants', { ...facts, request: { ...facts.request, grants: [] } }];
  yield ['source pointer', { ...facts, pointers: { ...facts.pointers, from: null } }];
  const required = facts.contract?.body.required_checks ?? [];
  for (const name of required) {
    const without = <C extends { name: string }>(checks: readonly C[]) => checks.filter((check) => check.name !== name);
    // Gone for good: what nobody stored, a submitted bundle may still say.
    const bundle = facts.bundle?.checks === undefined ? facts.bundle : { ...facts.bundle, checks: without(facts.bundle.checks) };
    yield [`check ${name}`, { ...facts, bundle, checks: without(facts.checks) }];
  }
  for (const field of Object.keys(facts.bundle ?? {})) {
    const { [field as 'signers']: _, ...bundle } = facts.bundle ?? {};
    yield [`bundle ${field}`, { ...facts, bundle }];
  }
  for (const [index] of (facts.bundle?.signers ?? []).entries()) {
    yield [`signature ${index}`, { ...facts, bundle: { ...facts.bundle, signers: facts.bundle?.signers?.toSpliced(index, 1) ?? [] } }];
  }
}

function shuffled(value: unknown, next: () => number): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => shuffled(item, next));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]) => ({ key, member: shuffled(member, next), rank: next() }));
  return Object.fromEntries(entries.sort((a, b) => a.rank - b.rank).map(({ key, member }) => [key, member]));
}

import { expect, it } from 'vitest';
import { jcsDigest } from '../evidence/jcs.ts';
import { parityContract, parityTerms } from './index.ts';

it('is the same however often it is asked for', () => {
  expect(parityContract()).toBe(parityContract());
  expect(parityContract()).toMatch(/^sha256:[0-9a-f]{64}$/);
});

it('covers every schema, envelope pin and dedupe key: a change of any one is another contract', () => {
  const terms = parityTerms();
  const sections = Object.entries(terms).flatMap(([section, value]) =>
    typeof value === 'object' && value !== null ? Object.keys(value).map((name) => [section, name] as const) : [],
  );
  expect(sections.length).toBeGreaterThan(15);
  for (const [section, name] of sections) {
    const { [name]: _left, ...others } = terms[section] as Record<string, unknown>;
    expect(jcsDigest({ ...terms, [section]: others }), `${section}.${name}`).not.toBe(parityContract());
  }
});

it('has a shape for each thing, not an empty one', () => {
  const { predicates, ...schemas } = parityTerms().schemas as Record<string, Record<string, unknown>>;
  for (const [name, shape] of Object.entries({ ...schemas, ...predicates })) {
    expect(shape, name).toEqual(expect.objectContaining({ type: 'object', properties: expect.anything() }));
  }
});

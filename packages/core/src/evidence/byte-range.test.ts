import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rangeOf } from './byte-range.ts';

const etag = '"sha256:a"';
const asked = (range: string | undefined, ifRange?: string, length = 100) => {
  const answer = rangeOf(range, ifRange, etag, length);
  return answer.kind === 'part' ? [answer.from, answer.end] : answer.kind;
};

describe('a Range header', () => {
  test.each<[string | undefined, string | undefined, unknown]>([
    [undefined, undefined, 'whole'],
    [undefined, etag, 'whole'],
    ['bytes=0-', undefined, [0, 100]],
    ['bytes=0-0', undefined, [0, 1]],
    ['bytes=40-', etag, [40, 100]],
    ['Bytes=40-59', etag, [40, 60]],
    ['bytes=40-1000', etag, [40, 100]],
    ['bytes=-10', etag, [90, 100]],
    ['bytes=-1000', etag, [0, 100]],
    ['bytes=99-', etag, [99, 100]],
    ['bytes=100-', etag, 'unsatisfiable'],
    ['bytes=-0', etag, 'unsatisfiable'],
    ['bytes=5-4', etag, 'unsatisfiable'],
    ['bytes=', etag, 'unsatisfiable'],
    ['bytes=-', etag, 'unsatisfiable'],
    ['bytes=a-b', etag, 'unsatisfiable'],
    ['bytes=0x1-', etag, 'unsatisfiable'],
    ['bytes=1e1-', etag, 'unsatisfiable'],
    ['bytes=+1-', etag, 'unsatisfiable'],
    ['bytes=99999999999999999999-', etag, 'unsatisfiable'],
    ['bytes=0-1,5-6', etag, 'unsatisfiable'],
    ['bytes=0-1,', etag, 'unsatisfiable'],
    // Nothing that this server understands: the whole, as the RFC has it.
    ['items=0-1', etag, 'whole'],
    ['bytes', etag, 'unsatisfiable'],
    // Another version, a weak tag, a date: the whole.
    ['bytes=40-', '"sha256:b"', 'whole'],
    ['bytes=40-', `W/${etag}`, 'whole'],
    ['bytes=40-', 'sha256:a', 'whole'],
    ['bytes=40-', 'Sat, 21 Nov 2026 03:00:00 GMT', 'whole'],
  ])('%s, If-Range %s', (range, ifRange, expected) => {
    expect(asked(range, ifRange)).toEqual(expected);
  });

  test('never asks for bytes that are not there', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^bytes=\d{0,5}-\d{0,5}$/)),
        fc.nat({ max: 50_000 }),
        (range, length) => {
          const answer = rangeOf(range, etag, etag, length);
          if (answer.kind !== 'part') return;
          expect(answer.from).toBeGreaterThanOrEqual(0);
          expect(answer.end).toBeGreaterThan(answer.from);
          expect(answer.end).toBeLessThanOrEqual(length);
        },
      ),
    );
  });
});

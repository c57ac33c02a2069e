import { expect, it } from 'vitest';
import { Kept } from './kept.ts';

it('keeps what was asked for last, and no more than it may', () => {
  const kept = new Kept<string>(2);
  kept.keep('a', '1');
  kept.keep('b', '2');
  expect(kept.get('a')).toBe('1');
  kept.keep('c', '3');
  expect([kept.get('a'), kept.get('b'), kept.get('c')]).toEqual(['1', undefined, '3']);
});

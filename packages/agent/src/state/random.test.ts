import { expect, it } from 'vitest';
import { randomHexSource } from './random.ts';

it('hands out every byte once, across refills', () => {
  const randomHex = randomHexSource();
  const seen = new Set<string>();
  for (let at = 0; at < 2000; at += 1) {
    const hex = randomHex(16);
    expect(hex).toMatch(/^[0-9a-f]{32}$/);
    expect(hex).not.toBe('0'.repeat(32));
    seen.add(hex);
  }
  expect(seen.size).toBe(2000);
  expect(randomHex(32)).toHaveLength(64);
  expect(() => randomHex(5000)).toThrow(RangeError);
});

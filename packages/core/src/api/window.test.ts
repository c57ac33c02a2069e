import fc from 'fast-check';
import { expect, it } from 'vitest';
import { commonApiVersion, formatApiWindow, parseApiWindow } from './window.ts';

const version = fc.integer({ min: 0, max: 50 });
const anyWindow = fc.tuple(version, version).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));

it('survives its header', () => {
  fc.assert(
    fc.property(anyWindow, (window) => {
      expect(parseApiWindow(formatApiWindow(window))).toEqual(window);
    }),
  );
  for (const text of ['', '1', '2-1', '1-', 'v1-v2', '1-2-3', '-1-2', '1.0-2.0']) expect(parseApiWindow(text), text).toBeUndefined();
});

it('both sides come to the same version, the newest both speak, or to none', () => {
  fc.assert(
    fc.property(anyWindow, anyWindow, (ours, theirs) => {
      const common = commonApiVersion(ours, theirs);
      expect(commonApiVersion(theirs, ours)).toBe(common);
      const shared = Array.from({ length: 51 }, (_, n) => n).filter(
        (n) => n >= ours.min && n <= ours.max && n >= theirs.min && n <= theirs.max,
      );
      expect(common).toBe(shared.at(-1));
    }),
  );
});

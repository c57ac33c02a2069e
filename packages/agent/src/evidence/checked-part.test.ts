import { digestOf } from '@govctl/core/evidence';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedPart } from './checked-part.ts';

async function* piecesOf(bytes: Buffer, size: number, pulled?: { count: number }) {
  for (let at = 0; at < bytes.length; at += size) {
    if (pulled !== undefined) pulled.count += 1;
    yield bytes.subarray(at, at + size);
  }
}
const promiseOf = (bytes: Buffer) => ({ digest: digestOf(bytes), length: bytes.length });

describe('a part of what was promised', () => {
  it('is exactly its bytes, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        fc.nat(),
        async (array, size, a, b) => {
          const bytes = Buffer.from(array);
          const from = a % bytes.length;
          const end = from + 1 + (b % (bytes.length - from));
          const got: Buffer[] = [];
          for await (const part of checkedPart(piecesOf(bytes, size), promiseOf(bytes), { from, end })) got.push(part);
          expect(Buffer.concat(got)).toEqual(bytes.subarray(from, end));
        },
      ),
    );
  });

  it('never comes to its end when any byte of the whole is another, in the part or out of it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        async (array, size, a, b, c) => {
          const bytes = Buffer.from(array);
          const spoilt = Buffer.from(array);
          spoilt[c % bytes.length] = (spoilt[c % bytes.length] ?? 0) ^ 1;
          const from = a % bytes.length;
          const end = from + 1 + (b % (bytes.length - from));
          let sent = 0;
          const read = async () => {
            for await (const part of checkedPart(piecesOf(spoilt, size), promiseOf(bytes), { from, end })) sent += part.length;
          };
          await expect(read()).rejects.toThrow('not');
          expect(sent).toBeLessThan(end - from);
        },
      ),
    );
  });

  it('is refused when something is missing or too much', async () => {
    const bytes = Buffer.from('0123456789');
    for (const other of ['012345678', '01234567890']) {
      const read = async () => {
        for await (const _ of checkedPart(piecesOf(Buffer.from(other), 3), promiseOf(bytes), { from: 0, end: 10 }));
      };
      await expect(read()).rejects.toThrow('10');
    }
  });

  it('reads no more ahead than one piece of a long content', async () => {
    const bytes = Buffer.alloc(64 * 1024 * 1024);
    const pulled = { count: 0 };
    const parts = checkedPart(piecesOf(bytes, 64 * 1024, pulled), promiseOf(bytes), { from: 0, end: bytes.length });
    for (let taken = 1; taken <= 20; taken += 1) {
      await parts.next();
      expect(pulled.count).toBe(taken + 1);
    }
    await parts.return(undefined);
    expect(pulled.count).toBe(21);
  });
});

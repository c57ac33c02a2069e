import { randomBytes } from 'node:crypto';
import { isProblem } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ObjectStore } from './object-store.ts';

/** What an adapter's test gives: a fresh store, a way to open the same place again, and hands on what is inside. */
export type ObjectStoreSubject = {
  readonly store: ObjectStore;
  reopen(): Promise<ObjectStore>;
  /** Damages stored content behind the store's back. */
  corrupt(digest: string): Promise<void>;
  /** Everything in the place that is neither a stored object nor set aside. */
  leftovers(): Promise<string[]>;
};

export async function* chunks(...parts: readonly (Uint8Array | string)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

async function content(store: ObjectStore, digest: string): Promise<Buffer | null> {
  const stream = await store.read(digest);
  return stream === null ? null : Buffer.concat(await stream.toArray());
}

async function problemOf(action: Promise<unknown>): Promise<string> {
  try {
    await action;
  } catch (error) {
    if (isProblem(error)) return error.code;
    throw error;
  }
  return 'none';
}

/** Every object store keeps these promises. */
export function objectStoreContract(make: () => Promise<ObjectStoreSubject>): void {
  test('content comes back byte for byte, whatever its size and however it was cut, also after a restart', async () => {
    const subject = await make();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 3000 }), { maxLength: 5 }), async (parts) => {
        const whole = Buffer.concat(parts);
        const digest = digestOf(whole);
        expect((await subject.store.put(digest, chunks(...parts))).size).toBe(whole.length);
        expect(await content(subject.store, digest)).toEqual(whole);
      }),
      { numRuns: 30 },
    );
    const big = randomBytes(3_000_000);
    await subject.store.put(digestOf(big), chunks(big.subarray(0, 1), big.subarray(1)));
    const again = await subject.reopen();
    expect(await content(again, digestOf(big))).toEqual(big);
    expect(await again.size(digestOf(big))).toBe(big.length);
    expect(await subject.leftovers()).toEqual([]);
  });

  test('what is not there is null', async () => {
    const { store } = await make();
    expect(await store.read(digestOf('nothing'))).toBeNull();
    expect(await store.size(digestOf('nothing'))).toBeNull();
    await store.setAside(digestOf('nothing'));
  });

  test('content with another digest is refused and leaves nothing', async () => {
    const { store, leftovers } = await make();
    const digest = digestOf('right');
    expect(await problemOf(store.put(digest, chunks('wrong')))).toBe('digest-mismatch');
    expect(await problemOf(store.put(digest, chunks('righ')))).toBe('digest-mismatch');
    expect(await problemOf(store.put(digest, chunks()))).toBe('digest-mismatch');
    expect(await store.size(digest)).toBeNull();
    expect(await leftovers()).toEqual([]);
    await store.put(digest, chunks('right'));
    // Also when it is there already: a wrong claim is never answered with yes.
    expect(await problemOf(store.put(digest, chunks('wrong')))).toBe('digest-mismatch');
    expect(String(await content(store, digest))).toBe('right');
  });

  test('a sender that breaks off leaves nothing', async () => {
    const { store, leftovers } = await make();
    const broken = (async function* () {
      yield Buffer.from('half');
      throw new Error('connection reset');
    })();
    await expect(store.put(digestOf('half and half'), broken)).rejects.toThrow('connection reset');
    expect(await store.size(digestOf('half and half'))).toBeNull();
    expect(await leftovers()).toEqual([]);
  });

  test('the same content is stored once, also by many at the same time', async () => {
    const { store, leftovers } = await make();
    const digest = digestOf('same');
    await Promise.all(Array.from({ length: 8 }, () => store.put(digest, chunks('sa', 'me'))));
    expect(await store.put(digest, chunks('same'))).toEqual({ size: 4, created: false });
    expect(String(await content(store, digest))).toBe('same');
    expect(await leftovers()).toEqual([]);
  });

  test('everything that is stored is listed once, in order, and nothing else is', async () => {
    const { store } = await make();
    const digests = Array.from({ length: 40 }, (_, n) => digestOf(`content ${n}`));
    for (const [n, digest] of digests.entries()) await store.put(digest, chunks(`content ${n}`));
    await store.put(digestOf('other'), chunks('unlike')).catch(() => undefined);
    await store.setAside(digests[3] ?? '');
    const listed: string[] = [];
    for await (const digest of store.list()) listed.push(digest);
    expect(listed).toEqual(digests.toSpliced(3, 1).sort());
  });

  test('damaged content can be set aside and stored again', async () => {
    const { store, corrupt } = await make();
    const digest = digestOf('precious');
    await store.put(digest, chunks('precious'));
    await corrupt(digest);
    expect(String(await content(store, digest))).not.toBe('precious');
    await store.setAside(digest);
    expect(await store.size(digest)).toBeNull();
    expect(await store.put(digest, chunks('precious'))).toEqual({ size: 8, created: true });
    expect(String(await content(store, digest))).toBe('precious');
  });
}

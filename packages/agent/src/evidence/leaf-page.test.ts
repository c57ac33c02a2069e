import { expect, it } from 'vitest';
import type { Database } from '../db/index.ts';
import { pageEnd, pagesOf } from './leaf-page.ts';

/** A log whose leaves have so many bytes each. */
const logOf = (bytesOf: (leaf: number) => number): Database => ({
  read: (async (queries: readonly { readonly params: { first: number; end: number } }[]) =>
    queries.map(({ params: { first, end } }) => [
      { bytes: Array.from({ length: end - first }, (_, at) => bytesOf(first + at)).reduce((sum, bytes) => sum + bytes, 0) },
    ])) as unknown as Database['read'],
});

it('takes as many leaves as fit into memory, and a huge one alone', async () => {
  const huge = 64 * 1024 * 1024;
  const database = logOf((leaf) => (leaf === 300 ? huge : 600));
  const pages: [number, number][] = [];
  for await (const page of pagesOf(0, 700, async (first) => ({ first, end: await pageEnd(database, first, 700) })))
    pages.push([page.first, page.end]);
  expect(pages[0]).toEqual([0, 256]);
  expect(pages).toContainEqual([300, 301]);
  expect(pages.map(([first]) => first)).toEqual([0, ...pages.slice(0, -1).map(([, end]) => end)]);
  expect(pages.at(-1)?.[1]).toBe(700);
});

it('gives a page that cannot be read to whoever takes it', async () => {
  const pages = pagesOf(0, 512, async (first) => {
    if (first === 0) return { end: 256 };
    throw new Error('the disk');
  });
  expect((await pages.next()).value).toEqual({ end: 256 });
  await expect(pages.next()).rejects.toThrow('the disk');
});

import { isProblem } from '@govctl/core/api';
import { expect, it } from 'vitest';
import { pageBegin, pageOf } from './cursor.ts';

const rows = ['c', 'b', 'a'].map((id) => ({ id, at: '2026-11-21T12:00:00.000Z' }));
const placeOf = ({ at, id }: (typeof rows)[number]) => [at, id] as const;

it('a page ends where the next begins, and the last has no next', () => {
  const { page, next_cursor } = pageOf(rows, 2, placeOf);
  expect(page).toEqual(rows.slice(0, 2));
  expect(pageBegin(next_cursor ?? undefined)).toEqual({ before: '2026-11-21T12:00:00.000Z', before_id: 'b' });
  expect(pageOf(rows, 3, placeOf)).toEqual({ page: rows, next_cursor: null });
  expect(pageOf([], 3, placeOf)).toEqual({ page: [], next_cursor: null });
});

it('without a cursor it begins after every row; one that was made up is refused', () => {
  expect(pageBegin(undefined).before > new Date(Date.UTC(9999, 0)).toISOString()).toBe(true);
  for (const cursor of ['', 'junk', Buffer.from('["a"]').toString('base64url'), Buffer.from('[1,2]').toString('base64url')])
    expect(() => pageBegin(cursor)).toThrow(expect.toSatisfy((error) => isProblem(error) && error.code === 'invalid-request'));
});

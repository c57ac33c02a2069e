import { expect, test } from 'vitest';
import { formatSse, sseHeartbeat } from './sse.ts';

test('a message is its fields, one a line, and an empty line', () => {
  expect(formatSse({ id: '7', event: 'progress', data: { a: 1 } })).toBe('id: 7\nevent: progress\ndata: {"a":1}\n\n');
  expect(formatSse({ data: null })).toBe('data: null\n\n');
});

test('no content starts a field of its own', () => {
  const text = formatSse({ data: { text: 'a\nid: 9\r\n\ndata: x\u2028' } });
  expect(text.split(/[\r\n]+/).filter((line) => line !== '')).toHaveLength(1);
});

test('a heartbeat is a comment', () => {
  expect(sseHeartbeat).toMatch(/^: [^\n]*\n\n$/);
});

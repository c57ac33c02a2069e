import { expect, it } from 'vitest';
import { z } from 'zod';
import { nestsTooDeep, readYaml } from './yaml-file.ts';

const anything = z.looseObject({});

it.each([
  ['brackets', '['.repeat(1_000_000)],
  ['braces', '{a: '.repeat(200_000)],
  ['list marks', '- '.repeat(400_000)],
  ['key marks', '? '.repeat(400_000)],
])('%s without end are refused before they are parsed', (_what, text) => {
  expect(nestsTooDeep(text)).toBe(true);
  expect(readYaml(text, anything).problems).toEqual([expect.objectContaining({ message: 'nested too deeply' })]);
});

it('what people write is read, brackets in expressions and long lists too', () => {
  const text = `a: [${'[1],'.repeat(5000)}]\nb: "(((((x[0][1]))))) ]]]] "\n${Array.from({ length: 500 }, (_, n) => `k${n}: {a: [1, {b: 2}]}`).join('\n')}\nlist:\n${'  - - - x\n'.repeat(500)}`;
  expect(readYaml(text, anything).problems).toEqual([]);
});

it.each(['', '# nothing yet\n', '---\n'])('%j is an empty file', (text) => {
  expect(readYaml(text, anything).problems).toEqual([{ path: '', line: 1, column: 1, message: 'the file is empty' }]);
});

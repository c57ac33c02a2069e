import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EventType, eventCatalogue, eventTypes } from '@govctl/core/event';
import { expect, it } from 'vitest';

const packages = join(import.meta.dirname, '../../..');

/** What names types without emitting any: the list, what is told of them, and what alerts make of them. */
const listeners = /^core\/src\/(event\/(event|catalogue|data)|alert\/rule)\.ts$/;

/** Families whose last word is put together; the word has to be one of these. */
const families: Readonly<Record<string, readonly string[]>> = {
  'audit.reconciliation.': ['missing', 'drift', 'stale', 'invalid', 'failed'],
};

const sources = globSync('{core,agent}/src/**/*.ts', { cwd: packages })
  .filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file) && !listeners.test(file))
  .map((file) => ({ file, text: readFileSync(join(packages, file), 'utf8') }));

/** Source files of what runs that name a type as a literal: between quotes, in TypeScript or in SQL. */
function emittersOf(type: EventType): string[] {
  const family = Object.entries(families).find(([start, words]) => words.some((word) => type === `${start}${word}`))?.[0];
  const words = family === undefined ? [`'${type}'`] : [`'${type}'`, `\`${family}\${`];
  return sources.filter(({ text }) => words.some((word) => text.includes(word))).map(({ file }) => file);
}

// That a type is in the right unit is said by the test of that unit; here that there is one at all.
it('every type of the catalogue has an emitter, unless the catalogue says what it awaits', () => {
  expect(sources.length).toBeGreaterThan(300);
  const silent = eventTypes.filter((type) => emittersOf(type).length === 0);
  expect(silent).toEqual(eventTypes.filter((type) => eventCatalogue[type].awaits !== undefined));
});

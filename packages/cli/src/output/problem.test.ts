import { Problem } from '@govctl/core/api';
import { expect, it } from 'vitest';
import { formatProblem } from './problem.ts';

const shown = (detail: string, ...messages: string[]) =>
  formatProblem(new Problem('invalid-request', { detail, reasons: messages.map((message) => ({ path: 'body.reason', message })) }), {
    machine: false,
    color: false,
    debug: false,
  });

it('says a reason once: those that the line above does not say in the same words are listed', async () => {
  expect((await shown('body.reason: too short', 'too short')).match(/too short/g)).toHaveLength(1);
  expect((await shown('it has ended', 'it has ended')).match(/it has ended/g)).toHaveLength(1);
  const both = await shown('body.reason: too short; body.reason: odd', 'too short', 'odd');
  expect(both).toContain('\n  - body.reason: too short\n  - body.reason: odd\n');
});

import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { startLoop } from './loop.ts';
import { loopWatch } from './loop-watch.ts';

it('says a failure once, now and then while it goes on, and when it is over', async () => {
  const said: { level: number; msg: string; rounds?: number; err?: { message: string } }[] = [];
  const logger = pino({}, { write: (line: string) => void said.push(JSON.parse(line)) });
  let elapsed = 0;
  let rounds = 0;
  const outcomes = ['full', 'full', 'full', 'gone', 'gone', 'a minute later', 'gone', 'well', 'well'];
  const loop = startLoop({
    name: 'drill',
    now: () => '2026-11-27T12:00:00.000Z',
    logger,
    watch: loopWatch(),
    monotonicMs: () => elapsed,
    failurePause: 0,
    async round() {
      let outcome = outcomes[rounds++];
      if (outcome === 'a minute later') {
        elapsed += 60_000;
        outcome = 'gone';
      }
      if (outcome !== 'well' && outcome !== undefined) throw new Error(outcome);
      return 0;
    },
  });
  while (rounds < outcomes.length) await sleep(1);
  await loop.stop();
  expect(said.map(({ msg, err, rounds: of }) => [msg, err?.message, of])).toEqual([
    ['a round failed; the loop goes on', 'full', undefined],
    ['a round failed; the loop goes on', 'gone', 4],
    ['a round failed; the loop goes on', 'gone', 6],
    ['rounds end well again', undefined, 7],
  ]);
});

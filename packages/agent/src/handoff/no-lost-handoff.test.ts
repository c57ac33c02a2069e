import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { changelog } from '../../../../fixtures/changelog/index.ts';
import { HandoffBench, settle } from './handoff.fixture.ts';

const child = fileURLToPath(new URL('./tail-child.fixture.mjs', import.meta.url));

async function startTail(folder: string, rows: number): Promise<ChildProcess> {
  const process_ = spawn(process.execPath, [child, folder, String(rows)], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (process_.stdout === null) throw new Error('no standard output');
  await once(process_.stdout, 'data');
  return process_;
}

// The proof obligation of the source: kill the tail at any moment, run it again, and nothing is lost, nothing is there twice, lag is 0.
it('loses and doubles nothing, however often the tail is killed, also across the activation of the event type', async () => {
  using bench = new HandoffBench();
  bench.permit();
  const lines = [...changelog({ rows: 30_000, seed: 7 })];
  const kills = 14;
  const share = Math.ceil(lines.length / kills);
  const batches = [40, 300, 2_500];
  let killedMidway = 0;
  for (let round = 0; round < kills; round += 1) {
    // The first round leaves a backlog large enough to be walked in key order.
    const tail = await startTail(bench.folder, batches[round % batches.length] ?? 40);
    const gone = once(tail, 'exit');
    const part = lines.slice(round * share, (round + 1) * share);
    for (let at = 0; at < part.length; at += 400) {
      bench.add(part.slice(at, at + 400));
      if (at % 1_200 === 0) await sleep(1);
    }
    if (round === 6) bench.activate();
    await sleep((round * 7) % 23);
    tail.kill('SIGKILL');
    await gone;
    if (bench.lag().lag_rows > 0) killedMidway += 1;
  }
  const last = bench.tail();
  last.start();
  settle(last, 5_000);

  const births = lines.filter((line) => line.change === 'BORN');
  expect(killedMidway).toBeGreaterThan(0);
  expect(bench.lag()).toEqual({ births: births.length, lag_rows: 0, unannounced_rows: 0 });
  const announced = bench
    .events()
    .filter((event) => event.type === 'handoff.object_born')
    .map((event) => `${event.subject} ${String(event.data.born_at)}`);
  expect(announced.toSorted()).toEqual(births.map((line) => `${line.object_key} ${line.born_at}`).sort());
  expect(bench.rows('SELECT count(*) AS n FROM governance_candidate_state')).toEqual([
    { n: new Set(lines.map((line) => line.object_key)).size },
  ]);
  expect(bench.rows('SELECT alarm FROM handoff_cursor WHERE alarm IS NOT NULL')).toEqual([]);
});

import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { startDaemon } from './daemon.ts';
import { barOf, count, type Lab, type Measurement, milliseconds, percent, type Section, spreadText } from './measurement.ts';
import { benchServer } from './postgres-bed.ts';
import { birthsOnSchedule, giveBirth, landings, postgresScene, type Schedule, untilLanded } from './postgres-scene.ts';
import { quantile, spreadOf } from './spread.ts';

type Held = 'nothing' | 'unrelated' | 'writer';
type Round = { readonly commit: number[]; readonly due: number[] };
type Cell = { readonly schedule: Schedule; readonly held: Held; readonly rounds: Round[] };

const heldMs = 3000;
const heldText: Record<Held, string> = {
  nothing: 'none',
  unrelated: `unrelated, with an id, for ${heldMs / 1000} s`,
  writer: `of a writer of births that does not end, for ${heldMs / 1000} s`,
};

/** Keeps a transaction open in the middle of the run. */
async function hold(client: Client, held: Held, run: string): Promise<void> {
  if (held === 'nothing') return;
  await sleep(500);
  await client.query('BEGIN');
  if (held === 'unrelated') await client.query('SELECT pg_current_xact_id()');
  else await giveBirth(client, `held-${run}`, 1);
  await sleep(heldMs);
  await client.query('COMMIT');
}

async function measure(clients: readonly Client[], holder: Client, run: string, cell: Cell): Promise<void> {
  const held = hold(holder, cell.held, run);
  const due = await birthsOnSchedule(clients, run, cell.schedule);
  await held;
  await untilLanded(holder, run);
  const landed = await landings(holder, run);
  const asked = due.size * cell.schedule.perTransaction;
  if (landed.length !== asked) throw new Error(`${landed.length} of ${asked} births have an event`);
  cell.rounds.push({
    commit: landed.map((one) => one.landed - one.born),
    due: landed.map((one) => one.landed - (due.get(one.object_key.replace(/:\d+$/, '')) ?? Number.NaN)),
  });
}

type Writer = { readonly rate: number; readonly p99: number };
/** What a birth transaction of the schedule took, in milliseconds. */
type Paced = { readonly p50: number; readonly p99: number };

/** Writers that keep the schedule of the latency bar: does the tail make them wait? */
async function paced(clients: readonly Client[], run: string, seconds: number): Promise<Paced> {
  const took: number[] = [];
  await birthsOnSchedule(clients, run, { rate: 500, perTransaction: 1, seconds }, (ms) => took.push(ms));
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** Writers that each send their next birth when they have their answer. */
async function writeFor(clients: readonly Client[], run: string, ms: number): Promise<Writer> {
  const took: number[] = [];
  const started = performance.now();
  await Promise.all(
    clients.map(async (client, writer) => {
      for (let at = 0; performance.now() - started < ms; at += 1) {
        const before = performance.now();
        await giveBirth(client, `${run}:${writer}:${at}`, 1);
        took.push(performance.now() - before);
      }
    }),
  );
  return { rate: took.length / ((performance.now() - started) / 1000), p99: quantile(took, 0.99) };
}

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 1 : 3;
  const seconds = lab.quick ? 4 : 5;
  const server = await benchServer();
  try {
    const scene = await postgresScene(lab, server);
    const clients = await Promise.all(Array.from({ length: 8 }, scene.connect));
    const holder = await scene.connect();
    const schedules = [
      { rate: 50, perTransaction: 1, seconds },
      { rate: 500, perTransaction: 5, seconds },
      { rate: 2000, perTransaction: 20, seconds },
    ];
    const cells: Cell[] = (['nothing', 'unrelated', 'writer'] as const).flatMap((held) =>
      schedules.map((schedule) => ({ schedule, held, rounds: [] })),
    );
    let daemon = await startDaemon(lab, scene.state);
    await birthsOnSchedule(clients, 'warm', { rate: 500, perTransaction: 5, seconds: 2 });
    await untilLanded(holder, 'warm');
    for (let round = 1; round <= rounds; round += 1) {
      for (const cell of cells) {
        await measure(clients, holder, `r${round}-${cell.held}-${cell.schedule.rate}`, cell);
        const took = cell.rounds.at(-1)?.commit ?? [];
        lab.tell(
          `round ${round}, ${cell.schedule.rate}/s, open: ${cell.held}: p50 ${milliseconds(quantile(took, 0.5))}, p99 ${milliseconds(quantile(took, 0.99))}`,
        );
      }
    }
    // What a daemon asks of the server when nothing happens.
    await sleep(5000);
    const asked = async () =>
      (
        await server.query<{ n: number }>(`SELECT (xact_commit + xact_rollback)::float8 AS n FROM pg_stat_database WHERE datname = $1`, [
          scene.database,
        ])
      )[0]?.n ?? 0;
    const idleSeconds = lab.quick ? 5 : 10;
    const before = await asked();
    await sleep(idleSeconds * 1000);
    const idle = ((await asked()) - before) / idleSeconds;
    lab.tell(`idle: ${idle.toFixed(1)} transactions a second`);

    const sides = { off: [] as Writer[], on: [] as Writer[], control: [] as Writer[] };
    const onTime = { off: [] as Paced[], on: [] as Paced[], control: [] as Paced[] };
    const writers = clients.slice(0, 4);
    const ms = lab.quick ? 1000 : 3000;
    for (let round = 1; round <= (lab.quick ? 2 : 3); round += 1) {
      await daemon.stop();
      sides.off.push(await writeFor(writers, `off-${round}`, ms));
      sides.control.push(await writeFor(writers, `control-${round}`, ms));
      onTime.off.push(await paced(writers, `paced-off-${round}`, ms / 1000));
      onTime.control.push(await paced(writers, `paced-control-${round}`, ms / 1000));
      daemon = await startDaemon(lab, scene.state);
      await untilLanded(holder, `paced-control-${round}`);
      sides.on.push(await writeFor(writers, `on-${round}`, ms));
      onTime.on.push(await paced(writers, `paced-on-${round}`, ms / 1000));
      lab.tell(
        `births a second: off ${count(sides.off.at(-1)?.rate ?? 0)}, off again ${count(sides.control.at(-1)?.rate ?? 0)}, on ${count(sides.on.at(-1)?.rate ?? 0)}`,
      );
      const p50 = (kind: keyof typeof onTime) => milliseconds(onTime[kind].at(-1)?.p50 ?? Number.NaN);
      lab.tell(`500 births a second, p50 of their commit: off ${p50('off')}, off again ${p50('control')}, on ${p50('on')}`);
    }
    await daemon.stop();
    for (const client of [...clients, holder]) await client.end();

    const quantiles = (cell: Cell, of: keyof Round, share: number) => spreadOf(cell.rounds.map((round) => quantile(round[of], share)));
    const shown = (cell: Cell, of: keyof Round, share: number) => spreadText(quantiles(cell, of, share), milliseconds);
    const writer = (kind: keyof typeof sides) => [
      spreadText(spreadOf(sides[kind].map((one) => one.rate)), count),
      spreadText(spreadOf(sides[kind].map((one) => one.rate / (sides.off[sides[kind].indexOf(one)]?.rate ?? Number.NaN))), percent),
      spreadText(spreadOf(sides[kind].map((one) => one.p99)), milliseconds),
      spreadText(spreadOf(onTime[kind].map((one) => one.p50)), milliseconds),
      spreadText(spreadOf(onTime[kind].map((one) => one.p99)), milliseconds),
    ];
    return {
      title: 'PostgreSQL: from the commit of a birth to its candidate',
      text: [
        `A real daemon tails; births are written by another process, over connections of their own, on a fixed schedule: a slow answer delays no later birth. Times are the server's commit timestamps of the birth and of the transaction that made its candidate and captured its event; "from when it was due" counts from the schedule instead, the writer's own commit included. 50 births a second are transactions of one, 500 of five, 2,000 of twenty. Nobody wakes the tail: it polls. ${rounds} rounds of ${seconds} s.`,
        'The unrelated transaction holds a transaction id and writes nothing; the other has written a birth and does not commit. A tail that waits for the oldest open transaction would stand still for as long as either is open.',
        `The cost to births: four writers that each send the next birth when the last is durable, for ${ms / 1000} s, with the daemon stopped, stopped again (the control), and running, in turns; writers, server and daemon share the processors, so that at full speed the tail takes time from the writers. The same writers on a schedule of 500 births a second say whether it makes them wait. An idle daemon makes ${idle.toFixed(1)} transactions a second on the server (pg_stat_database, all loops of the daemon).`,
      ],
      tables: [
        {
          title: 'Commit to candidate',
          head: ['births a second', 'open transaction', 'p50', 'p99', 'max', 'p50 from when it was due', 'p99 from when it was due'],
          rows: cells.map((cell) => [
            count(cell.schedule.rate),
            heldText[cell.held],
            shown(cell, 'commit', 0.5),
            shown(cell, 'commit', 0.99),
            shown(cell, 'commit', 1),
            shown(cell, 'due', 0.5),
            shown(cell, 'due', 0.99),
          ]),
        },
        {
          title: 'Four writers of births, one birth a transaction',
          head: [
            'daemon',
            'births a second, at full speed',
            'against stopped, same round',
            'p99',
            'commit at 500 births a second: p50',
            'p99',
          ],
          rows: [
            ['stopped', ...writer('off')],
            ['stopped, again', ...writer('control')],
            ['running', ...writer('on')],
          ],
        },
      ],
      bars: cells
        .filter(({ schedule, held }) => schedule.rate === 500 && held !== 'writer')
        .map((cell) =>
          barOf(
            `PostgreSQL: commit to candidate at 500 births a second, p99, open transaction: ${cell.held === 'nothing' ? 'none' : cell.held}`,
            quantiles(cell, 'commit', 0.99),
            { most: 50 },
            milliseconds,
          ),
        ),
      data: {
        idle_transactions_per_second: idle,
        writers: sides,
        paced: onTime,
        cells: cells.map((cell) => ({
          ...cell,
          rounds: cell.rounds.map((round) => ({
            births: round.commit.length,
            commit: [0.5, 0.9, 0.99, 1].map((share) => quantile(round.commit, share)),
            due: [0.5, 0.9, 0.99, 1].map((share) => quantile(round.due, share)),
          })),
        })),
      },
    };
  } finally {
    await server.remove();
  }
}

export const postgresLatency: Measurement = { name: 'postgres-latency', run };

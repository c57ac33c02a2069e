import { barOf, count, type Lab, type Measurement, percent, type Section, spreadText } from './measurement.ts';
import { benchServer, type Drained, PostgresBed, preparedDatabase } from './postgres-bed.ts';
import { drainByBoss, drainByGraphile, producerRates } from './postgres-queue.ts';
import { drainByBatches, drainByRow, drainByScript } from './postgres-script.ts';
import { spreadOf } from './spread.ts';

type Round = {
  readonly tail: number;
  readonly script: number;
  readonly batches: number;
  readonly drained: Drained;
  readonly batch_rows: number;
  readonly wal: Readonly<Record<'tail' | 'script' | 'batches', number>>;
};

async function run(lab: Lab): Promise<Section> {
  const rows = lab.quick ? 60_000 : 600_000;
  // A round of the script took between 9 and 14 s on the same machine: few of them say little.
  const rounds = lab.quick ? 2 : 7;
  const server = await benchServer();
  try {
    const prepared = await preparedDatabase(server, rows);
    lab.tell(`${count(rows)} rows prepared`);
    const on = async <T>(work: (bed: PostgresBed) => Promise<T>): Promise<T> => {
      await using bed = await PostgresBed.open(server, prepared);
      return await work(bed);
    };
    const watched = (work: (bed: PostgresBed) => Promise<Drained>) =>
      on(async (bed) => {
        const lsn = async () => (await bed.client.query<{ at: string }>('SELECT pg_current_wal_lsn() AS at')).rows[0]?.at;
        const before = await lsn();
        const drained = await work(bed);
        const { rows: wal } = await bed.client.query<{ bytes: number }>(
          'SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), $1)::float8 AS bytes',
          [before],
        );
        return { drained, wal: (wal[0]?.bytes ?? 0) / rows, effects: await bed.effects() };
      });
    const alone = (seconds: number): Drained => ({ seconds, batches: 1, rows });
    const measured: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      const tail = await watched((bed) => bed.drainByTail());
      const size = Math.max(1, Math.round(tail.drained.rows / tail.drained.batches));
      const script = await watched(async (bed) => alone(await drainByScript(bed.client)));
      const batches = await watched(async (bed) => alone(await drainByBatches(bed.client, size)));
      for (const other of [script, batches])
        if (other.effects !== tail.effects) throw new Error(`the drains left different rows: ${tail.effects} and ${other.effects}`);
      const rate = (one: typeof tail) => rows / one.drained.seconds;
      measured.push({
        tail: rate(tail),
        script: rate(script),
        batches: rate(batches),
        drained: tail.drained,
        batch_rows: size,
        wal: { tail: tail.wal, script: script.wal, batches: batches.wal },
      });
      lab.tell(
        `round ${round}: tail ${count(rate(tail))}/s in batches of ${count(size)}, script ${count(rate(script))}/s (${percent(rate(tail) / rate(script))}), in batches ${count(rate(batches))}/s (${percent(rate(tail) / rate(batches))})`,
      );
    }
    const few = lab.quick ? 2000 : 20_000;
    const byRow = few / (await on((bed) => drainByRow(bed.client, few, 1)));
    const by500 = few / (await on((bed) => drainByRow(bed.client, few, 500)));
    lab.tell(`row by row: ${count(byRow)}/s, ${count(by500)}/s`);
    const queueRounds = lab.quick ? 1 : 3;
    const queues: { boss: { enqueue: number; work: number }[]; graphile: { enqueue: number; work: number }[] } = { boss: [], graphile: [] };
    for (let round = 1; round <= queueRounds; round += 1) {
      queues.boss.push(await on((bed) => drainByBoss(bed, few)));
      queues.graphile.push(await on((bed) => drainByGraphile(bed, few)));
      lab.tell(
        `queues: pg-boss ${count(few / (queues.boss.at(-1)?.work ?? 1))}/s, graphile ${count(few / (queues.graphile.at(-1)?.work ?? 1))}/s`,
      );
    }
    const producers = await on((bed) => producerRates(bed, lab.quick ? 200 : 2000, queueRounds));
    const of = (value: (round: Round) => number) => spreadOf(measured.map(value));
    const rateOf = (kind: keyof typeof queues, what: 'enqueue' | 'work') => spreadOf(queues[kind].map((one) => few / one[what]));
    const producer = (kind: keyof typeof producers) => spreadText(spreadOf(producers[kind]), count);
    const cost = (kind: 'boss' | 'graphile') =>
      spreadText(spreadOf(producers[kind].map((rate, at) => rate / (producers.alone[at] ?? Number.NaN))), percent);
    const tail = of((round) => round.tail);
    const against = (rate: number) => `${(tail.median / rate).toFixed(1)} times`;
    return {
      title: 'PostgreSQL: draining a changelog',
      text: [
        `The seeded changelog of ${count(rows)} rows, written by the daemon's own births writer; each round on a fresh copy of that database. Our side is the daemon's tail and its rounds: batches sized by time (${spreadText(
          of((round) => round.batch_rows),
          count,
        )} rows each, of the two source tables together), each with probe, fence, cursors, candidates, captured events and heartbeat in one durable transaction.`,
        'The ceiling is a hand-written set-based script through the same library: all of it in one transaction, and in durable batches of the size the tail had, read by ranges of ids. All three are checked to leave the same candidates and events. The consumer that takes row by row does all that follows from a row in one statement, durable after each row or after 500.',
        `pg-boss and graphile-worker are job queues, not tailers: the producer has to write a job for every birth, in its own transaction, and what it costs is reported apart; a birth without its job is lost. pg-boss fetches ${500} jobs at a time, and completes them in the transaction of their effects, which are one set-based statement; graphile-worker has a local queue of 500, 8 tasks at once, and gathers completions, and each task is one statement. Both over the first ${count(few)} rows. Ours changes nothing about the producer.`,
      ],
      tables: [
        {
          title: 'Rows a second, by tail and by script',
          head: [
            'rows',
            'tail',
            'script, one transaction',
            'ratio',
            'script, batches of the same size',
            'ratio',
            'WAL bytes a row: tail, script, batches',
          ],
          rows: [
            [
              count(rows),
              spreadText(tail, count),
              spreadText(
                of((round) => round.script),
                count,
              ),
              spreadText(
                of((round) => round.tail / round.script),
                percent,
              ),
              spreadText(
                of((round) => round.batches),
                count,
              ),
              spreadText(
                of((round) => round.tail / round.batches),
                percent,
              ),
              (['tail', 'script', 'batches'] as const).map((kind) => count(of((round) => round.wal[kind]).median)).join(', '),
            ],
          ],
        },
        {
          title: 'Rows a second, by other consumers',
          head: ['consumer', 'rows a second', 'the tail against it', 'jobs written in bulk, a second'],
          rows: [
            ['row by row, 1 a transaction', count(byRow), against(byRow), ''],
            ['row by row, 500 a transaction', count(by500), against(by500), ''],
            ...(['boss', 'graphile'] as const).map((kind) => [
              kind === 'boss' ? 'pg-boss' : 'graphile-worker',
              spreadText(rateOf(kind, 'work'), count),
              against(rateOf(kind, 'work').median),
              spreadText(rateOf(kind, 'enqueue'), count),
            ]),
          ],
        },
        {
          title: 'What a queue costs the producer: one connection, a birth a transaction',
          head: ['births', 'a second', 'against births alone'],
          rows: [
            ['alone (ours)', producer('alone'), ''],
            ['with a job of pg-boss', producer('boss'), cost('boss')],
            ['with a job of graphile-worker', producer('graphile'), cost('graphile')],
          ],
        },
      ],
      bars: [
        barOf(
          `PostgreSQL: drain of ${count(rows)} rows against the script in one transaction`,
          of((round) => round.tail / round.script),
          { least: 0.7 },
          percent,
        ),
        barOf(
          `PostgreSQL: drain of ${count(rows)} rows against the script in batches of the same size`,
          of((round) => round.tail / round.batches),
          { least: 0.7 },
          percent,
        ),
      ],
      data: { rows, measured, sample: few, by_row: byRow, by_500: by500, queues, producers },
    };
  } finally {
    await server.remove();
  }
}

export const postgresDrain: Measurement = { name: 'postgres-drain', run };

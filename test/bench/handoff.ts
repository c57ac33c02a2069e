import { sourceChangelogRows } from '../../fixtures/changelog/index.ts';
import { Bed, preparedBirths } from './handoff-bed.ts';
import { drainByRow, drainByScript } from './handoff-script.ts';
import { barOf, count, type Lab, type Measurement, percent, type Section, spreadText, times } from './measurement.ts';
import { spreadOf } from './spread.ts';

type Round = { readonly tail: number; readonly script: number; readonly again: number };
type Size = { readonly rows: number; readonly rounds: number; readonly perRow: number; readonly perBatch: number };
type Measured = {
  readonly size: Size;
  readonly rounds: readonly Round[];
  readonly byRow: readonly number[];
  readonly byBatch: readonly number[];
};

async function measure(lab: Lab, births: string, size: Size): Promise<Measured> {
  const rounds: Round[] = [];
  for (let round = 1; round <= size.rounds; round += 1) {
    using ours = new Bed(lab, births);
    const tail = size.rows / (await ours.drainByTail());
    using theirs = new Bed(lab, births);
    const script = size.rows / drainByScript(theirs.handle, 'once');
    using upserts = new Bed(lab, births);
    const again = size.rows / drainByScript(upserts.handle, 'again');
    const effects = ours.effects();
    for (const bed of [theirs, upserts]) {
      if (effects !== bed.effects()) throw new Error(`the drains left different rows: ${effects} and ${bed.effects()}`);
    }
    rounds.push({ tail, script, again });
    lab.tell(`${count(size.rows)} rows, round ${round}: tail ${count(tail)}/s, script ${count(script)}/s, ${percent(tail / script)}`);
  }
  const consumer = (rows: number, perTransaction: number) => {
    using bed = new Bed(lab, births);
    const rate = rows / drainByRow(bed.handle, rows, perTransaction);
    lab.tell(`${count(size.rows)} rows, row by row, ${perTransaction} a transaction: ${count(rate)}/s`);
    return rate;
  };
  const batched = consumer(size.perBatch, 500);
  return { size, rounds, byRow: [consumer(size.perRow, 1)], byBatch: [batched] };
}

async function run(lab: Lab): Promise<Section> {
  const sizes: readonly Size[] = [
    { rows: sourceChangelogRows, rounds: lab.quick ? 2 : 11, perRow: lab.quick ? 2000 : 20_000, perBatch: sourceChangelogRows },
    {
      rows: lab.quick ? 150_000 : 1_000_000,
      rounds: lab.quick ? 1 : 3,
      perRow: lab.quick ? 2000 : 20_000,
      perBatch: lab.quick ? 20_000 : 200_000,
    },
  ];
  const measured: Measured[] = [];
  for (const size of sizes) {
    measured.push(await measure(lab, preparedBirths(lab, size.rows), size));
  }
  const of = (one: Measured, value: (round: Round) => number) => spreadOf(one.rounds.map(value));
  return {
    title: 'Handoff: draining a changelog',
    text: [
      `The changelog is the seeded fixture (births of six object types, changes, retirements, rebirths; keys in no order), written by the daemon's own births writer. Our side is the daemon's tail and its rounds: batches sized by time, each with fence, survey of faults, candidates, captured events, cursor and heartbeat in one durable transaction, and a turn of the event loop between two.`,
      'The other side is a hand-written set-based script (two INSERT ... SELECT and the cursor) in one durable transaction through the same library and settings: once with upserts, so that it does right by candidates and events that exist, and once for empty tables only. All three are checked to leave the same candidates and events. The row-by-row consumer upserts each row and captures its event, durable after each row (over the first 20,000 rows only), or after 500 (over at most the first 200,000); it gets slower as its tables grow.',
    ],
    tables: [
      {
        title: 'Rows a second',
        head: [
          'rows',
          'tail',
          'script, upserts',
          'ratio',
          'script for empty tables',
          'ratio',
          'row by row, 1 a transaction',
          'row by row, 500 a transaction',
          'tail against row by row, 1 and 500',
        ],
        rows: measured.map((one) => {
          const tail = of(one, (round) => round.tail);
          return [
            count(one.size.rows),
            spreadText(tail, count),
            spreadText(
              of(one, (round) => round.again),
              count,
            ),
            spreadText(
              of(one, (round) => round.tail / round.again),
              percent,
            ),
            spreadText(
              of(one, (round) => round.script),
              count,
            ),
            spreadText(
              of(one, (round) => round.tail / round.script),
              percent,
            ),
            count(spreadOf(one.byRow).median),
            count(spreadOf(one.byBatch).median),
            `${times(tail.median / spreadOf(one.byRow).median)}, ${times(tail.median / spreadOf(one.byBatch).median)}`,
          ];
        }),
      },
    ],
    bars: measured.flatMap((one) => [
      barOf(
        `drain of ${count(one.size.rows)} rows against the set-based script`,
        of(one, (round) => round.tail / round.again),
        { least: 0.7 },
        percent,
      ),
      barOf(
        `drain of ${count(one.size.rows)} rows against the script that only empty tables take`,
        of(one, (round) => round.tail / round.script),
        { least: 0.7 },
        percent,
      ),
    ]),
    data: { measured },
  };
}

export const handoff: Measurement = { name: 'handoff', run };

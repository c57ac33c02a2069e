import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { BareLoop, FinishedRows } from './bare-loop.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteAll } from './govern.ts';
import { barOf, count, type Lab, type Measurement, milliseconds, percent, type Section, spreadText } from './measurement.ts';
import { quantile, spreadOf, timed } from './spread.ts';
import { countSyncs } from './sync-count.ts';

type Round = {
  readonly rate: number;
  readonly bare: number;
  readonly ratio: number;
  readonly p50: number;
  readonly p99: number;
  readonly commits: number;
};
type Side = { readonly clients: number; readonly promotions: number; readonly bar: number };

async function measure(daemon: BenchDaemon, rows: FinishedRows, bare: BareLoop, { clients, promotions }: Side): Promise<Round> {
  rows.skip();
  const before = await daemon.counter('govd_journal_commits_total');
  let took: number[] = [];
  const seconds = await timed(async () => {
    took = await promoteAll(daemon, promotions, clients);
  });
  const commits = (await daemon.counter('govd_journal_commits_total')) - before;
  const finished = rows.next();
  const bareSeconds = bare.write(finished, clients);
  return {
    rate: promotions / seconds,
    bare: finished.length / bareSeconds,
    ratio: bareSeconds / finished.length / (seconds / promotions),
    p50: quantile(took, 0.5),
    p99: quantile(took, 0.99),
    commits: commits / promotions,
  };
}

async function run(lab: Lab): Promise<Section> {
  const sides: readonly Side[] = [
    { clients: 1, promotions: lab.quick ? 200 : 2000, bar: 0.3 },
    { clients: 32, promotions: lab.quick ? 640 : 6400, bar: 0.25 },
  ];
  const rounds = lab.quick ? 2 : 5;
  const state = await initState(lab);
  governDatasets(lab, state);
  const daemon = await startDaemon(lab, state);
  const rows = new FinishedRows(state);
  const bare = new BareLoop(mkdtempSync(join(lab.folder, 'bare-')));
  const measured = new Map<Side, Round[]>(sides.map((side) => [side, []]));
  let syncs: number | null = null;
  const traced = lab.quick ? 320 : 3200;
  try {
    await promoteAll(daemon, lab.quick ? 200 : 2000, 32);
    for (let round = 1; round <= rounds; round += 1) {
      for (const side of sides) {
        const one = await measure(daemon, rows, bare, side);
        measured.get(side)?.push(one);
        lab.tell(`round ${round}, ${side.clients} clients: ${count(one.rate)}/s, bare ${count(one.bare)}/s, ${percent(one.ratio)}`);
      }
    }
    syncs = await countSyncs(daemon.pid, lab.folder, () => promoteAll(daemon, traced, 32));
  } finally {
    rows.close();
    bare.close();
    await daemon.stop();
  }
  const spread = (side: Side, of: (round: Round) => number) => spreadOf((measured.get(side) ?? []).map(of));
  const crowd = sides[1] ?? sides[0];
  if (crowd === undefined) throw new Error('no sides');
  const perPromotion = spread(crowd, (round) => round.commits);
  return {
    title: 'Promotions, end to end',
    text: [
      `A promotion goes through HTTP on the unix socket of a real daemon: authentication, closed schema, facts, every gate, the CEL rules of the policy pack, the decision, two signed records with their leaves, run, pointer, lock, acknowledgements, events, one durable commit, proof and checkpoint in the reply, which the client reads whole. Clients run in one other process of the same machine and send their next promotion when they have their answer.`,
      `The bare loop writes the rows of exactly those promotions again, through the same library, schema, indexes and settings (WAL, synchronous=FULL), in durable transactions of 1 and of 32; it checks, computes, signs and answers nothing. Rounds alternate: daemon, bare loop, daemon, bare loop. Figures are the median and, in brackets, the least and the greatest of ${rounds} rounds.`,
      syncs === null
        ? 'Flushes are counted as durable commits of the daemon (/metrics); the kernel calls could not be traced here.'
        : `Durable commits are those the daemon counts (/metrics). Traced with strace, ${traced} promotions of 32 clients took ${syncs} fsync and fdatasync calls of the whole daemon, ${(syncs / traced).toFixed(3)} a promotion, the second place, checkpoints of the database and the event dispatcher included. (Under the tracer the daemon is slower, so more promotions share a commit.)`,
    ],
    tables: [
      {
        title: 'Promotions a second',
        head: ['clients', 'through govd', 'bare loop', 'ratio', 'answer p50', 'answer p99', 'durable commits a promotion'],
        rows: sides.map((side) => [
          String(side.clients),
          spreadText(
            spread(side, (round) => round.rate),
            count,
          ),
          spreadText(
            spread(side, (round) => round.bare),
            count,
          ),
          spreadText(
            spread(side, (round) => round.ratio),
            percent,
          ),
          milliseconds(spread(side, (round) => round.p50).median),
          milliseconds(spread(side, (round) => round.p99).median),
          spread(side, (round) => round.commits).median.toFixed(3),
        ]),
      },
    ],
    bars: [
      ...sides.map((side) =>
        barOf(
          `promotions with ${side.clients} client${side.clients === 1 ? '' : 's'} against the bare loop`,
          spread(side, (round) => round.ratio),
          { least: side.bar },
          percent,
        ),
      ),
      barOf('durable commits a promotion, 32 clients', perPromotion, { most: 1 / 8 }, (value) => value.toFixed(3)),
      ...(syncs === null
        ? []
        : [
            barOf('fsync and fdatasync calls of the daemon a promotion, 32 clients', spreadOf([syncs / traced]), { most: 1 / 8 }, (value) =>
              value.toFixed(3),
            ),
          ]),
    ],
    data: { rounds: Object.fromEntries([...measured].map(([side, all]) => [`${side.clients} clients`, all])), syncs, traced },
  };
}

export const promotion: Measurement = { name: 'promotion', run };

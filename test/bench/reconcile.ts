import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { askedGait, periodicGait } from '../../packages/agent/src/audit/pace.ts';
import { openSqlite } from '../../packages/agent/src/db/index.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { datasets, governDatasets, promoteAll } from './govern.ts';
import { barOf, count, type Lab, type Measurement, mebibytes, milliseconds, percent, type Section, spreadText } from './measurement.ts';
import { fillPromotions } from './promotion-fill.ts';
import { quantile, spreadOf, timed } from './spread.ts';

type Quantiles = { readonly p50: number; readonly p99: number };
type Side = 'without' | 'periodic' | 'asked for';
type Round = { readonly clients: number; readonly side: Side } & Quantiles;

const crowds = [1, 16] as const;

/** How often the daemon reconciles by itself: hardly ever, or again as soon as it has done so. */
function configure(state: string, reconcile_every: string): void {
  const path = join(state, 'govd.yaml');
  const kept = readFileSync(path, 'utf8').replace(/^audit: .*\n/m, '');
  writeFileSync(path, `${kept}audit: { reconcile_every: ${reconcile_every} }\n`);
}

/** Latency of promotions for so many seconds. */
async function promoteFor(daemon: BenchDaemon, seconds: number, clients: number): Promise<Quantiles> {
  const took: number[] = [];
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) took.push(...(await promoteAll(daemon, clients * 16, clients)));
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

type Reconciled = {
  readonly seconds: number;
  readonly checked: Readonly<Record<string, number>>;
  readonly memory: number;
  readonly idle: number;
};

/** One reconciliation of everything, that somebody asks for while nothing else goes on. */
async function reconcileAlone(daemon: BenchDaemon): Promise<Reconciled> {
  const idle = daemon.memory().now;
  forgetPeak(daemon.pid);
  let text = '';
  const seconds = await timed(async () => {
    text = await reconcileOnce(daemon);
  });
  const { checked } = JSON.parse(text) as { checked: Record<string, number> };
  return { seconds, checked, idle, memory: daemon.memory().peak };
}

async function reconcileOnce(daemon: BenchDaemon): Promise<string> {
  const { status, text } = await daemon.call('POST', '/v1/reconcile', {});
  if (status !== 200) throw new Error(`reconcile: ${status} ${text.slice(0, 2000)}`);
  return text;
}

/** The greatest memory of a process counts anew from here. */
function forgetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not permitted here: the peak since its start is told instead, which is no less.
  }
}

/** Until every event has its position: what was filled in without a daemon is behind. */
async function dispatched(state: string): Promise<void> {
  const handle = openSqlite(join(state, 'govd.db'), 'read');
  const behind = handle.prepare<[], { behind: number }>(
    `SELECT (SELECT max(outbox_id) FROM outbox) - coalesce((SELECT outbox_id FROM outbox_position ORDER BY first_position DESC LIMIT 1), 0) AS behind`,
  );
  try {
    while ((behind.get()?.behind ?? 0) > 0) await sleep(100);
  } finally {
    handle.close();
  }
}

/** Reports that a daemon kept, each with the seconds it took at its own pace. */
function reportsOf(state: string): { readonly as_of: string; readonly seconds: number }[] {
  const handle = openSqlite(join(state, 'govd.db'), 'read');
  const rows = handle
    .prepare('SELECT p.as_of, r.recorded_at FROM reconcile_report p JOIN record r ON r.ref = p.evidence_ref ORDER BY p.report_id')
    .all() as { as_of: string; recorded_at: string }[];
  handle.close();
  return rows.map(({ as_of, recorded_at }) => ({ as_of, seconds: (Date.parse(recorded_at) - Date.parse(as_of)) / 1000 }));
}

/** Promotions of a daemon of its own, while it reconciles, or not. */
async function measure(lab: Lab, state: string, side: Side, seconds: number): Promise<Round[]> {
  configure(state, side === 'periodic' ? '1s' : '24h');
  const daemon = await startDaemon(lab, state);
  try {
    await promoteAll(daemon, lab.quick ? 160 : 320, 16);
    // By itself it begins a second after its start.
    await sleep(1500);
    const rounds: Round[] = [];
    for (const clients of crowds) {
      let going = true;
      const asking = async () => {
        while (going) await reconcileOnce(daemon);
      };
      const asked = side === 'asked for' ? asking() : undefined;
      rounds.push({ clients, side, ...(await promoteFor(daemon, seconds, clients)) });
      going = false;
      await asked;
    }
    return rounds;
  } finally {
    await daemon.stop();
  }
}

function meanOf(rounds: readonly Round[], clients: number, side: Side): Round {
  const own = rounds.filter((round) => round.clients === clients && round.side === side);
  const mean = (what: keyof Quantiles) => own.reduce((sum, round) => sum + round[what], 0) / own.length;
  return { clients, side, p50: mean('p50'), p99: mean('p99') };
}

async function run(lab: Lab): Promise<Section> {
  const runs = lab.quick ? 3000 : 100_000;
  const rounds = lab.quick ? 1 : 4;
  const seconds = lab.quick ? 2 : 3;
  const sides: readonly Side[] = ['without', 'periodic', 'asked for'];
  const state = await initState(lab);
  governDatasets(lab, state);
  configure(state, '24h');
  // A log that grows is compared with the last checkpoint in the second place: there has to be one.
  await (await startDaemon(lab, state)).stop();
  const took = await timed(() => fillPromotions(state, runs));
  lab.tell(`filled with ${count(runs)} promotions in ${took.toFixed(0)} s`);
  const alone: Reconciled[] = [];
  const daemon = await startDaemon(lab, state);
  try {
    const seconds = await timed(() => dispatched(state));
    lab.tell(`their events were dispatched in ${seconds.toFixed(0)} s`);
    await promoteAll(daemon, 320, 32);
    for (let at = 0; at < 2; at += 1) alone.push(await reconcileAlone(daemon));
    lab.tell(`reconciled in ${spreadOf(alone.map((one) => one.seconds)).median.toFixed(2)} s`);
  } finally {
    await daemon.stop();
  }
  const measured: Round[][] = [];
  for (let round = 1; round <= rounds; round += 1) {
    // There and back: what comes later finds more runs, and the machine drifts. Of the two times of a side the mean counts.
    const twice: Round[] = [];
    for (const side of [...sides, ...sides.toReversed()]) twice.push(...(await measure(lab, state, side, seconds)));
    const one = crowds.flatMap((clients) => sides.map((side) => meanOf(twice, clients, side)));
    measured.push(one);
    lab.tell(
      `round ${round}: ${one.map((row) => `${row.side}, ${row.clients}: p50 ${milliseconds(row.p50)}, p99 ${milliseconds(row.p99)}`).join('; ')}`,
    );
  }
  const reports = reportsOf(state);
  const of = (clients: number, side: Side) => measured.flatMap((one) => one.filter((row) => row.clients === clients && row.side === side));
  const effect = (clients: number, side: Side, what: keyof Quantiles) =>
    spreadOf(of(clients, side).map((row, at) => row[what] / (of(clients, 'without')[at]?.[what] ?? Number.NaN) - 1));
  const spread = (clients: number, side: Side, what: keyof Quantiles) =>
    spreadText(spreadOf(of(clients, side).map((row) => row[what])), milliseconds);
  const first = alone[0];
  if (first === undefined) throw new Error('nothing was reconciled');
  return {
    title: 'Reconciling everything',
    text: [
      `${count(runs)} promotions of ${datasets} datasets are what is reconciled: made by the daemon's own facts, kernel, saga and journal, with real signatures and without HTTP, which alone would take four minutes. Looked at are the audit contract of each run, each pointer and each record both ways, acts of unknown runs, active content, open jobs, outbox, locks, audits, handoff. "Alone" is \`POST /v1/reconcile\` as \`govctl reconcile\` sends it, with nothing else going on; its memory is the greatest resident memory of the daemon meanwhile.`,
      `Promotions of ${crowds.join(' and of ')} clients are timed for ${seconds} s each on daemons that were started on the same folder: one that does not reconcile, one that does so by itself without pause (\`audit.reconcile_every: 1s\`), one that is asked to, again and again. A round goes through the three there and back, and the mean of the two times counts, so that neither drift nor a growing log favours a side; ${rounds} rounds. While others are served, a reconciliation looks at few rows at a time and rests in between: by itself half a millisecond and ${periodicGait.busy.share * 100} % of the time, a millisecond and ${askedGait.busy.share * 100} % where somebody waits for it.`,
      reports.length === 0
        ? 'No daemon came to the end of a report of its own meanwhile.'
        : `Reports that daemons made by themselves meanwhile: ${reports.length}, the slowest took ${Math.max(...reports.map((one) => one.seconds)).toFixed(0)} s.`,
    ],
    tables: [
      {
        title: 'Alone',
        head: ['runs', 'pointers', 'time', 'memory before', 'greatest memory'],
        rows: [
          [
            count(first.checked.runs ?? 0),
            count(first.checked.pointers ?? 0),
            spreadText(spreadOf(alone.map((one) => one.seconds)), (value) => `${value.toFixed(2)} s`),
            mebibytes(first.idle),
            spreadText(spreadOf(alone.map((one) => one.memory)), mebibytes),
          ],
        ],
      },
      {
        title: 'Promotions meanwhile',
        head: ['clients', 'reconciles', 'p50', 'p99', 'effect on p50', 'effect on p99'],
        rows: crowds.flatMap((clients) =>
          sides.map((side) => [
            String(clients),
            side === 'without' ? 'no' : side,
            spread(clients, side, 'p50'),
            spread(clients, side, 'p99'),
            ...(side === 'without'
              ? ['', '']
              : [spreadText(effect(clients, side, 'p50'), percent), spreadText(effect(clients, side, 'p99'), percent)]),
          ]),
        ),
      },
    ],
    bars: crowds.flatMap((clients) =>
      (['p50', 'p99'] as const).map((what) =>
        barOf(
          `effect of the periodic reconciliation on promotions, ${what}, ${clients} client${clients === 1 ? '' : 's'}`,
          effect(clients, 'periodic', what),
          { most: 0.05 },
          percent,
        ),
      ),
    ),
    data: { runs, alone, measured, reports },
  };
}

export const reconcile: Measurement = { name: 'reconcile', run };

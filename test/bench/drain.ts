import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqlite } from '../../packages/agent/src/db/index.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteAll, promoteOnce } from './govern.ts';
import { preparedBirths } from './handoff-bed.ts';
import { barOf, count, type Lab, type Measurement, mebibytes, milliseconds, type Section, times } from './measurement.ts';
import { quantile, spreadOf } from './spread.ts';

type Latency = { readonly read: number[]; readonly promotion: number[] };

const everyMs = 10;

/** A request every 10 ms, promotion and read in turns, until told to stop; late answers do not delay the next request. */
async function probe(daemon: BenchDaemon, run: string, until: () => boolean): Promise<Latency> {
  const took: Latency = { read: [], promotion: [] };
  const open: Promise<void>[] = [];
  const started = performance.now();
  for (let at = 0; !until(); at += 1) {
    const due = started + at * everyMs;
    await sleep(Math.max(0, due - performance.now()));
    const kind = at % 2 === 0 ? 'promotion' : 'read';
    // From the moment it was due, so that a stall counts for every request it delays.
    const work: Promise<unknown> = kind === 'promotion' ? promoteOnce(daemon) : readOnce(daemon, run);
    open.push(work.then(() => void took[kind].push(performance.now() - due)));
  }
  await Promise.all(open);
  return took;
}

async function readOnce(daemon: BenchDaemon, run: string): Promise<void> {
  const { status } = await daemon.call('GET', `/v1/promotions/${run}`);
  if (status !== 200) throw new Error(`a read failed: ${status}`);
}

/** Puts a prepared changelog into the daemon's births in one commit: a backlog, at once. */
function load(state: string, prepared: string): void {
  const handle = openSqlite(join(state, 'births.db'));
  try {
    handle.prepare('ATTACH ? AS prepared').run(prepared);
    handle.exec(`BEGIN IMMEDIATE;
      INSERT INTO main.birth_registry SELECT * FROM prepared.birth_registry;
      INSERT INTO main.registry_changelog SELECT * FROM prepared.registry_changelog;
      COMMIT`);
  } finally {
    handle.close();
  }
}

async function run(lab: Lab): Promise<Section> {
  const rows = lab.quick ? 100_000 : 1_000_000;
  const prepared = preparedBirths(lab, rows);
  lab.tell(`${count(rows)} rows prepared`);
  const state = await initState(lab);
  governDatasets(lab, state);
  const daemon = await startDaemon(lab, state);
  const reader = openSqlite(join(state, 'govd.db'), 'read');
  try {
    await sleep(lab.quick ? 2000 : 10_000);
    const fresh = daemon.memory();
    await promoteAll(daemon, lab.quick ? 320 : 3200, 8);
    const run = await promoteOnce(daemon);
    await sleep(1000);
    const quietMs = lab.quick ? 3000 : 15_000;
    const quiet = () => {
      const end = performance.now() + quietMs;
      return probe(daemon, run, () => performance.now() > end);
    };
    const before = await quiet();
    const worked = daemon.memory();
    load(state, prepared);
    const settled = reader.prepare<[], { behind: number }>(
      'SELECT count(*) AS behind FROM handoff_cursor WHERE low_water = 0 OR walk_upto IS NOT NULL',
    );
    const started = performance.now();
    const elapsed = () => (performance.now() - started) / 1000;
    const applied = () => daemon.counter('govd_handoff_rows_total');
    const during = await probe(daemon, run, () => elapsed() > (lab.quick ? 5 : 20) || settled.get()?.behind === 0);
    const busy = { seconds: elapsed(), rows: await applied() };
    lab.tell(`${count(busy.rows / busy.seconds)} rows a second while requests were answered`);
    while (settled.get()?.behind !== 0) {
      if (elapsed() > 300) throw new Error('the backlog was not drained within five minutes');
      await sleep(20);
    }
    const alone = { seconds: elapsed() - busy.seconds, rows: (await applied()) - busy.rows };
    const rate = ({ rows: of, seconds }: typeof alone) => (of === 0 ? 'none were left' : `${count(of / seconds)} rows a second`);
    lab.tell(`${rate(alone)} afterwards, alone`);
    await sleep(lab.quick ? 2000 : 10_000);
    const drained = daemon.memory();
    const after = await quiet();
    const figures = (name: string, took: number[]) => [
      name,
      count(took.length),
      milliseconds(quantile(took, 0.5)),
      milliseconds(quantile(took, 0.99)),
      milliseconds(quantile(took, 1)),
    ];
    return {
      title: 'The daemon while it drains, and its memory',
      text: [
        `One daemon. A request is due every ${everyMs} ms, a promotion and the document of a finished one in turns, and its time counts from when it was due. Idle is before there are births. Then ${count(rows)} changes are committed to births at once. With somebody being served all the time the tail takes slices of about 5 ms: ${rate(busy)} of births and changelog together, for ${busy.seconds.toFixed(0)} s. Then no more requests come: ${rate(alone)} for the rest. After a drain the tail proves each birth again by anti-join, which goes on while the last row is measured.`,
        'Memory is the resident set of the process (VmRSS) some seconds after start, before any request; after the promotions; and after the drain. The peak is VmHWM.',
      ],
      tables: [
        {
          title: 'Latency',
          head: ['requests', 'count', 'p50', 'p99', 'max'],
          rows: [
            figures('promotion, idle', before.promotion),
            figures('promotion, while it drains', during.promotion),
            figures('promotion, after it, while births are proved', after.promotion),
            figures('read, idle', before.read),
            figures('read, while it drains', during.read),
            figures('read, after it, while births are proved', after.read),
          ],
        },
        {
          title: 'While it drains, against idle',
          head: ['requests', 'p50', 'p99'],
          rows: (['promotion', 'read'] as const).map((kind) => [
            kind,
            times(quantile(during[kind], 0.5) / quantile(before[kind], 0.5)),
            times(quantile(during[kind], 0.99) / quantile(before[kind], 0.99)),
          ]),
        },
        {
          title: 'Memory of the daemon',
          head: ['when', 'resident', 'peak so far'],
          rows: [
            ['idle after start', mebibytes(fresh.now), mebibytes(fresh.peak)],
            [
              `after ${count((lab.quick ? 320 : 3200) + before.promotion.length)} promotions`,
              mebibytes(worked.now),
              mebibytes(worked.peak),
            ],
            [`after ${count(rows)} rows drained`, mebibytes(drained.now), mebibytes(drained.peak)],
          ],
        },
      ],
      bars: [barOf('daemon memory, idle', spreadOf([fresh.now]), { most: 120 * 1024 * 1024 }, mebibytes)],
      data: { rows, busy, alone, memory: { fresh, worked, drained }, latency: { before, during, after } },
    };
  } finally {
    reader.close();
    await daemon.stop();
  }
}

export const drain: Measurement = { name: 'drain', run };

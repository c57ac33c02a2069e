import { join } from 'node:path';
import { openSqlite } from '../../packages/agent/src/db/index.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteAll } from './govern.ts';
import { endlessChangelog, Filler } from './growth-fill.ts';
import { count, type Lab, type Measurement, mebibytes, microseconds, milliseconds, type Section } from './measurement.ts';
import { quantile, timed } from './spread.ts';

type Point = {
  readonly size: number;
  readonly append: number;
  readonly append_together: number;
  readonly proof: number;
  readonly promotion: number;
  readonly promotion_together: number;
  readonly start: number;
  readonly runs: number;
  readonly list: number;
  readonly memory: number;
};

/** Median milliseconds of inclusion proofs of leaves all over the log. */
async function proofs(daemon: BenchDaemon, size: number, times: number): Promise<number> {
  const took: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const index = Math.floor((at / times) * size);
    const started = performance.now();
    const { status, text } = await daemon.call('GET', `/v1/log/proof?index=${index}`);
    if (status !== 200) throw new Error(`a proof failed: ${status} ${text}`);
    took.push(performance.now() - started);
  }
  return quantile(took, 0.5);
}

/** Median milliseconds of a list of the 20 newest promotions, and how many there are to choose from. */
async function lists(daemon: BenchDaemon, state: string, times: number): Promise<{ readonly runs: number; readonly list: number }> {
  const took: number[] = [];
  for (let at = 0; at < times; at += 1) {
    const started = performance.now();
    const { status, text } = await daemon.call('GET', '/v1/promotions?limit=20');
    if (status !== 200) throw new Error(`a list failed: ${status} ${text}`);
    took.push(performance.now() - started);
  }
  const handle = openSqlite(join(state, 'govd.db'), 'read');
  const { runs } = handle.prepare('SELECT count(*) AS runs FROM run').get() as { runs: number };
  handle.close();
  return { runs, list: quantile(took, 0.5) };
}

async function measure(
  lab: Lab,
  state: string,
  size: number,
  fill: (filler: Filler) => Promise<void>,
  lines: ReturnType<typeof endlessChangelog>,
): Promise<Point> {
  let append = 0;
  let together = 0;
  const times = lab.quick ? 50 : 400;
  {
    using filler = new Filler(state, lines);
    await fill(filler);
    await filler.append(times / 4);
    append = await filler.append(times);
    together = await filler.appendTogether(times / 4);
  }
  const started = performance.now();
  const daemon = await startDaemon(lab, state);
  try {
    const start = performance.now() - started;
    await promoteAll(daemon, lab.quick ? 320 : 1600, 32);
    await proofs(daemon, size, times);
    const proof = await proofs(daemon, size, times);
    const promotion = quantile(await promoteAll(daemon, times * 2, 1), 0.5);
    const many = lab.quick ? 320 : 3200;
    const promotion_together = ((await timed(() => promoteAll(daemon, many, 32))) * 1000) / many;
    const { runs, list } = await lists(daemon, state, Math.ceil(times / 20));
    const memory = daemon.memory().now;
    lab.tell(`${count(size)}: append ${milliseconds(append)}, proof ${milliseconds(proof)}, promotion ${milliseconds(promotion)}`);
    return {
      size,
      append,
      append_together: together,
      proof,
      promotion,
      promotion_together,
      start,
      runs,
      list,
      memory,
    };
  } finally {
    await daemon.stop();
  }
}

async function run(lab: Lab): Promise<Section> {
  const sizes = lab.quick ? [1000, 10_000] : [10_000, 100_000, 1_000_000];
  const state = await initState(lab);
  governDatasets(lab, state);
  // Signs the empty log once: the second place exists before there are leaves.
  await (await startDaemon(lab, state)).stop();
  const lines = endlessChangelog();
  const points: Point[] = [];
  const fills: number[] = [];
  for (const size of sizes) {
    points.push(
      await measure(
        lab,
        state,
        size,
        async (filler) => {
          fills.push(await filler.leaves(size));
          filler.objects(size);
          lab.tell(`filled to ${count(size)} leaves and objects`);
        },
        lines,
      ),
    );
  }
  return {
    title: 'Cost with size',
    text: [
      "One state folder grows. Its leaves are signed governance records, appended by the journal's own code, a thousand in a commit; its objects are births, each drained by the tail to a candidate with its captured event, and as many datasets with a snapshot. At each size: an append alone (one record, signed, durable) and 64 that arrive together, both by the journal in one process; then, of a daemon started on the folder, an inclusion proof over HTTP of leaves all over the log, a promotion of one client (median), the time a promotion takes with 32, and the start up to ready.",
    ],
    tables: [
      {
        title: 'Each, by leaves and objects in the deployment',
        head: [
          'leaves and objects',
          'append',
          'append, 64 together',
          'proof',
          'promotion',
          'promotion, 32 clients',
          'start of govd',
          'memory then',
        ],
        rows: points.map((point) => [
          count(point.size),
          milliseconds(point.append),
          microseconds(point.append_together * 1000),
          milliseconds(point.proof),
          milliseconds(point.promotion),
          microseconds(point.promotion_together * 1000),
          milliseconds(point.start),
          mebibytes(point.memory),
        ]),
      },
      {
        title: 'The 20 newest promotions over HTTP',
        head: ['promotions in the deployment', 'time'],
        rows: points.map((point) => [count(point.runs), milliseconds(point.list)]),
      },
    ],
    bars: [],
    data: { points, fill_microseconds: fills },
  };
}

export const growth: Measurement = { name: 'growth', run };

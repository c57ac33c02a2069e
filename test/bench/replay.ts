import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openSqlite, type SqliteHandle } from '../../packages/agent/src/db/index.ts';
import type { AdmittedLine } from '../../packages/agent/src/handoff/birth-admission.ts';
import { SqliteBirths } from '../../packages/agent/src/handoff/births.ts';
import { testSeal } from '../../packages/agent/src/handoff/permit/seal.fixture.ts';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { endlessChangelog } from './growth-fill.ts';
import { barOf, count, type Lab, type Measurement, milliseconds, percent, type Section, spreadText } from './measurement.ts';
import { quantile, spreadOf } from './spread.ts';

const now = () => new Date().toISOString();
const permit = 'bench';
const pollMs = 5;

async function post(daemon: BenchDaemon, path: string, body: unknown): Promise<Record<string, unknown>> {
  const { status, text } = await daemon.call('POST', path, body);
  if (status >= 300) throw new Error(`${path}: HTTP ${status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** The births of a deployment, and what its databases say of them: looked at from outside, so that nobody asks the daemon. */
class Source implements Disposable {
  readonly #births: SqliteHandle;
  readonly #governance: SqliteHandle;
  readonly #lines = endlessChangelog();

  constructor(state: string) {
    this.#births = openSqlite(join(state, 'births.db'));
    this.#governance = openSqlite(join(state, 'govd.db'), 'read');
    const open = { object_key: null, object_type: null, max_births: null, expires_at: null };
    new SqliteBirths(this.#births, testSeal).issue({
      permit_id: permit,
      kind: 'bulk',
      reason: 'benchmark',
      issued_at: now(),
      issued_by: 'HUMAN::bench',
      ...open,
    });
  }

  /** Writes so many changes. Answers the id of the last. */
  write(rows: number): number {
    const births = new SqliteBirths(this.#births, testSeal);
    for (let written = 0; written < rows; ) {
      const batch: AdmittedLine[] = [];
      while (batch.length < Math.min(20_000, rows - written)) {
        const { value } = this.#lines.next();
        if (value !== undefined) batch.push({ permit_id: permit, ...value });
      }
      births.add(batch, now());
      written += batch.length;
    }
    return this.#one<{ id: number }>(this.#births, 'SELECT max(id) AS id FROM registry_changelog').id;
  }

  /** Until the tail has read everything up to this id; something may have to be done meanwhile. */
  async untilRead(id: number, meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
    const read = "SELECT low_water FROM handoff_cursor WHERE source = 'registry_changelog'";
    for (; this.#one<{ low_water: number }>(this.#governance, read).low_water < id; await sleep(pollMs)) await meanwhile();
  }

  /** The replay as it is, and its rows so far. */
  replay(id: string): { readonly status: string; readonly rows_read: number } {
    return this.#one(this.#governance, 'SELECT status, rows_read FROM handoff_replay WHERE replay_id = ?', id);
  }

  /** When these objects became candidates, in milliseconds since 1970. */
  seen(prefix: string): Map<string, number> {
    const rows = this.#governance
      .prepare('SELECT object_key, first_seen_at FROM governance_candidate_state WHERE object_key >= ? AND object_key < ?')
      .all(prefix, `${prefix}~`) as { object_key: string; first_seen_at: string }[];
    return new Map(rows.map(({ object_key, first_seen_at }) => [object_key, Date.parse(first_seen_at)]));
  }

  #one<Row>(handle: SqliteHandle, sql: string, ...params: string[]): Row {
    return handle.prepare(sql).get(...params) as Row;
  }

  [Symbol.dispose](): void {
    this.#births.close();
    this.#governance.close();
  }
}

let serial = 0;

/** Starts a replay of everything up to this id. */
async function replayUpto(daemon: BenchDaemon, id: number, rate?: number): Promise<string> {
  serial += 1;
  const replay_id = `bench-${serial}`;
  await post(daemon, '/v1/handoff/replays', { replay_id, to: id, ...(rate === undefined ? {} : { rate }) });
  return replay_id;
}

/** Rows a second of a replay that nobody disturbs. A bounded one begins with a batch at once: it is counted from there. */
async function replayRate(daemon: BenchDaemon, source: Source, id: number, rate?: number): Promise<number> {
  let begun = { at: performance.now(), rows: 0 };
  const replay = await replayUpto(daemon, id, rate);
  for (;;) {
    const { status, rows_read } = source.replay(replay);
    if (rate !== undefined && begun.rows === 0 && rows_read > 0) begun = { at: performance.now(), rows: rows_read };
    if (status !== 'running') return ((rows_read - begun.rows) * 1000) / (performance.now() - begun.at);
    await sleep(pollMs);
  }
}

type Beside = { readonly id: number; readonly rate?: number };

/** Replays, one after another, until they are stopped. */
function replays(daemon: BenchDaemon, source: Source, { id, rate }: Beside) {
  let current: string | undefined;
  const running = () => current !== undefined && source.replay(current).status === 'running';
  return {
    async goOn() {
      if (!running()) current = await replayUpto(daemon, id, rate);
    },
    async stop() {
      if (running()) await post(daemon, `/v1/handoff/replays/${current}/stop`, { reason: 'measured' });
    },
  };
}

/** Rows a second of the tail: it is stopped while rows are written, then reads them. */
async function tailRate(daemon: BenchDaemon, source: Source, rows: number, beside?: Beside): Promise<number> {
  await post(daemon, '/v1/handoff/pause', { reason: 'benchmark' });
  const last = source.write(rows);
  const other = beside === undefined ? undefined : replays(daemon, source, beside);
  await other?.goOn();
  const started = performance.now();
  await post(daemon, '/v1/handoff/resume', { reason: 'benchmark' });
  await source.untilRead(last, async () => await other?.goOn());
  const rate = (rows * 1000) / (performance.now() - started);
  await other?.stop();
  return rate;
}

/** Milliseconds from the request of a birth to the batch that made its candidate, of 500 births a second on a schedule, while replays run one after another. */
async function latencies(daemon: BenchDaemon, source: Source, seconds: number, beside?: Beside): Promise<number[]> {
  serial += 1;
  const prefix = `paced-${serial}-`;
  const asked = new Map<string, number>();
  const other = beside === undefined ? undefined : replays(daemon, source, beside);
  const began = performance.now();
  const sent: Promise<void>[] = [];
  for (let tick = 0; tick < seconds * 100; tick += 1) {
    await sleep(Math.max(0, began + tick * 10 - performance.now()));
    const born_at = now().replace('Z', '000Z');
    const lines = Array.from({ length: 5 }, (_, at) => ({ object_key: `${prefix}${tick}-${at}`, object_type: 'tables', born_at }));
    for (const { object_key } of lines) asked.set(object_key, Date.now());
    sent.push(post(daemon, '/v1/births', { permit_id: 'paced', lines }).then(() => undefined));
    await other?.goOn();
  }
  await Promise.all(sent);
  let seen = source.seen(prefix);
  for (; seen.size < asked.size; seen = source.seen(prefix)) await sleep(20);
  await other?.stop();
  return [...asked].map(([key, at]) => (seen.get(key) ?? Number.POSITIVE_INFINITY) - at);
}

async function run(lab: Lab): Promise<Section> {
  const rows = lab.quick ? 20_000 : 150_000;
  const rounds = lab.quick ? 1 : 3;
  const seconds = lab.quick ? 2 : 5;
  const bound = 5000;
  const state = await initState(lab);
  const daemon = await startDaemon(lab, state);
  try {
    using source = new Source(state);
    const rates = { tail: [] as number[], replay: [] as number[], bounded: [] as number[], beside: [] as number[] };
    const paced = { alone: [] as number[][], replay: [] as number[][], bounded: [] as number[][] };
    // One of the daemon's own: it takes no other.
    await post(daemon, '/v1/births/permits', { permit_id: 'paced', permit_kind: 'bulk', reason: 'benchmark' });
    const first = source.write(rows);
    await source.untilRead(first);
    for (let round = 1; round <= rounds; round += 1) {
      rates.tail.push(await tailRate(daemon, source, rows));
      rates.replay.push(await replayRate(daemon, source, first));
      rates.bounded.push(await replayRate(daemon, source, Math.min(first, bound * seconds), bound));
      rates.beside.push(await tailRate(daemon, source, rows, { id: first }));
      paced.alone.push(await latencies(daemon, source, seconds));
      paced.replay.push(await latencies(daemon, source, seconds, { id: first }));
      paced.bounded.push(await latencies(daemon, source, seconds, { id: first, rate: bound }));
      const last = (of: readonly number[]) => count(of.at(-1) ?? Number.NaN);
      const p99 = (of: readonly number[][]) => milliseconds(quantile(of.at(-1) ?? [], 0.99));
      lab.tell(
        `round ${round}: tail ${last(rates.tail)}/s, replay ${last(rates.replay)}/s, bound to ${bound}: ${last(rates.bounded)}/s, tail beside a replay ${last(rates.beside)}/s; p99 ${p99(paced.alone)}, ${p99(paced.replay)}, ${p99(paced.bounded)}`,
      );
    }
    const ratio = (of: readonly number[]) => spreadText(spreadOf(of.map((rate, at) => rate / (rates.tail[at] ?? Number.NaN))), percent);
    const row = (name: string, of: readonly number[]) => [name, spreadText(spreadOf(of), count), ratio(of)];
    const latency = (of: readonly number[][], share: number) => spreadOf(of.map((took) => quantile(took, share)));
    const cells = (of: readonly number[][]) => [0.5, 0.99, 1].map((share) => spreadText(latency(of, share), milliseconds));
    return {
      title: 'Replay of births beside the live tail',
      text: [
        `A real daemon on SQLite. The live tail: it is paused, ${count(rows)} changes are written, and it reads them. A replay: \`handoff replay\` of the first ${count(rows)} changes, from the request to its end; each row is proved to have its candidate, its event and its change, none lacks anything. Both are looked at from outside, every ${pollMs} ms.`,
        `Does a replay hold the tail up? The same backlog read while a replay runs; and 500 births a second over HTTP for ${seconds} s, five a request on a schedule, from the request, the durable birth included, to the batch that makes the candidate, with replays one after another beside them. Replays and tail share one thread, batch by batch, and batches are short while somebody waits. ${rounds} rounds, in turns.`,
      ],
      tables: [
        {
          title: 'Rows a second',
          head: ['what', 'rows a second', 'against the tail alone, same round'],
          rows: [
            row('live tail', rates.tail),
            row('replay', rates.replay),
            row(`replay, --rate ${bound}`, rates.bounded),
            row('live tail, a replay beside it', rates.beside),
          ],
        },
        {
          title: 'Request to candidate, 500 births a second',
          head: ['beside', 'p50', 'p99', 'max'],
          rows: [
            ['nothing', ...cells(paced.alone)],
            ['replays', ...cells(paced.replay)],
            [`replays, --rate ${bound}`, ...cells(paced.bounded)],
          ],
        },
      ],
      bars: [
        barOf('birth to candidate at 500 births a second beside replays, p99', latency(paced.replay, 0.99), { most: 50 }, milliseconds),
        barOf('rows a second of a replay with --rate 5000', spreadOf(rates.bounded), { most: bound * 1.1 }, count),
      ],
      data: {
        rows,
        rates,
        paced: Object.fromEntries(
          Object.entries(paced).map(([name, of]) => [name, of.map((took) => [0.5, 0.9, 0.99, 1].map((share) => quantile(took, share)))]),
        ),
      },
    };
  } finally {
    await daemon.stop();
  }
}

export const replay: Measurement = { name: 'replay', run };

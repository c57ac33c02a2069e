import { setTimeout as sleep } from 'node:timers/promises';
import { type BenchDaemon, startDaemon } from './daemon.ts';
import { governPostgres, promoteAll } from './govern.ts';
import { count, type Lab, type Measurement, milliseconds, percent, type Section, spreadText } from './measurement.ts';
import { PostgresRows, writeBare } from './postgres-bare.ts';
import { benchServer } from './postgres-bed.ts';
import { anotherHost, giveBirth, postgresScene, untilLanded } from './postgres-scene.ts';
import { quantile, spreadOf, timed } from './spread.ts';

type Side = { readonly daemons: number; readonly clients: number; readonly promotions: number };
type Round = {
  readonly rate: number;
  readonly bare: number;
  readonly ratio: number;
  readonly p50: number;
  readonly p99: number;
  readonly commits: number;
};

async function run(lab: Lab): Promise<Section> {
  const rounds = lab.quick ? 1 : 3;
  const many = lab.quick ? 160 : 640;
  const sides: readonly Side[] = [
    { daemons: 1, clients: 1, promotions: lab.quick ? 30 : 100 },
    ...[1, 2, 4].map((daemons) => ({ daemons, clients: 32, promotions: many })),
  ];
  const server = await benchServer();
  try {
    const scene = await postgresScene(lab, server);
    const client = await scene.connect();
    await governPostgres(lab, client);
    // Another deployment on the same server, whose tables stay empty but for the bare rows.
    const beside = await postgresScene(lab, server);
    const bareClient = await beside.connect();
    await bareClient.query('TRUNCATE record, record_payload, decision_facts, merkle_node, log_head, run, pointer, outbox, outbox_waiting');
    const rows = new PostgresRows(client);
    const states = [scene.state];
    /** Made when it is needed: a host joins with the last signed checkpoint of another. */
    const stateOf = (place: number) => {
      while (states.length <= place) states.push(anotherHost(lab, scene.state));
      return states[place] ?? scene.state;
    };
    const measured = new Map<Side, Round[]>(sides.map((side) => [side, []]));
    const commitsOf = async (daemons: readonly BenchDaemon[]) => {
      let sum = 0;
      for (const daemon of daemons) sum += await daemon.counter('govd_journal_commits_total');
      return sum;
    };
    for (let round = 1; round <= rounds; round += 1) {
      const daemons: BenchDaemon[] = [];
      try {
        for (const side of sides) {
          while (daemons.length < side.daemons) {
            const daemon = await startDaemon(lab, stateOf(daemons.length));
            daemons.push(daemon);
            await promoteAll(daemon, lab.quick ? 30 : 100, 8);
          }
          await rows.skip();
          const before = await commitsOf(daemons);
          let took: number[] = [];
          const seconds = await timed(async () => {
            took = await promoteAll(daemons, side.promotions, side.clients);
          });
          const commits = ((await commitsOf(daemons)) - before) / side.promotions;
          const finished = await rows.next();
          const bareSeconds = await writeBare(bareClient, finished, side.clients);
          const rate = side.promotions / seconds;
          const bare = finished.length / bareSeconds;
          measured.get(side)?.push({ rate, bare, ratio: rate / bare, p50: quantile(took, 0.5), p99: quantile(took, 0.99), commits });
          lab.tell(
            `round ${round}, ${side.daemons} daemons, ${side.clients} clients: ${count(rate)}/s, bare ${count(bare)}/s, ${percent(rate / bare)}`,
          );
        }
      } finally {
        for (const daemon of daemons) await daemon.stop();
      }
    }
    const failover: number[] = [];
    for (let round = 1; round <= (lab.quick ? 1 : 3); round += 1) {
      const holder = await startDaemon(lab, scene.state);
      await giveBirth(client, `before-${round}`, 1);
      await untilLanded(client, `before-${round}`);
      const heir = await startDaemon(lab, stateOf(1));
      await sleep(1000);
      await holder.kill();
      await giveBirth(client, `after-${round}`, 1);
      const started = performance.now();
      await untilLanded(client, `after-${round}`);
      failover.push(performance.now() - started);
      await heir.stop();
      lab.tell(`failover: ${milliseconds(failover.at(-1) ?? 0)}`);
    }
    await client.end();
    await bareClient.end();
    const spread = (side: Side, of: (round: Round) => number) => spreadOf((measured.get(side) ?? []).map(of));
    const shown = (side: Side, of: (round: Round) => number, show: (value: number) => string) => spreadText(spread(side, of), show);
    return {
      title: 'PostgreSQL: promotions, and the failover of the tail',
      text: [
        `Whole promotions over HTTP, as on SQLite, by clients of one process that each send the next one when they have their answer; the clients are shared out among the daemons. One daemon has its turns first in every round, then a second joins, then two more. Server, daemons and clients share the processors, so more daemons add no computing power here.`,
        'The bare loop writes the rows of exactly those promotions again, into tables of the same schema on the same server, over one connection, one statement a table, in durable transactions of 1 and of 32 promotions; it checks, computes, signs and answers nothing.',
        `The tail's failover: the daemon that tails is ended with SIGKILL, a birth is committed at once, and another daemon that was waiting takes the tail over when the lease of 10 s has run out: ${spreadText(spreadOf(failover), milliseconds)} until that birth has its candidate.`,
      ],
      tables: [
        {
          title: 'Promotions a second',
          head: ['daemons', 'clients', 'through govd', 'bare loop', 'ratio', 'answer p50', 'answer p99', 'durable commits a promotion'],
          rows: sides.map((side) => [
            String(side.daemons),
            String(side.clients),
            shown(side, (round) => round.rate, count),
            shown(side, (round) => round.bare, count),
            shown(side, (round) => round.ratio, percent),
            shown(side, (round) => round.p50, milliseconds),
            shown(side, (round) => round.p99, milliseconds),
            shown(
              side,
              (round) => round.commits,
              (value) => value.toFixed(3),
            ),
          ]),
        },
      ],
      bars: [],
      data: {
        rounds: [...measured].map(([side, all]) => ({ ...side, rounds: all })),
        failover_ms: failover,
      },
    };
  } finally {
    await server.remove();
  }
}

export const postgresPromotion: Measurement = { name: 'postgres-promotion', run };

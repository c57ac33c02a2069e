import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contenders } from '../loss/contender.ts';
import { outcomeOf } from '../loss/outcome.ts';
import { runText } from '../loss/report.ts';
import { runSeed, serverSettings } from '../loss/run.ts';
import { postgresAvailability } from '../postgres/binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/server.ts';

const postgres = postgresAvailability();

describe.skipIf(postgres.skip)(`tailers of a changelog that they may not alter${postgres.note}`, () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ settings: serverSettings });
  });
  afterAll(async () => await server?.remove());

  it('are seen to lose births or to stall where they are cursors of ids; ours loses, doubles and reorders nothing', async () => {
    const run = await runSeed(server, { seed: 7, seconds: 8, writers: 24, raids: true }, Object.values(contenders));
    const outcome = outcomeOf([run]);
    expect(outcome.passed, [runText(run), ...outcome.findings].join('\n')).toBe(true);
    // The load was one: otherwise nothing was shown.
    expect(run.committed_births).toBeGreaterThan(100);
    expect(run.gaps).toBeGreaterThan(10);
    const [naive] = run.tailers.filter(({ tailer }) => tailer === 'id cursor');
    expect(naive?.figures.lost).toBeGreaterThan(0);
    const [ours] = run.tailers.filter(({ control }) => !control);
    expect(ours?.figures).toMatchObject({ delivered: run.committed_births, lost: 0, doubled: 0, invented: 0, out_of_order: 0 });
    expect(ours?.complaints).toEqual([]);
  });
});

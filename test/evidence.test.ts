import { execFileSync } from 'node:child_process';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadTrust, parseNote, type Statement, verifyEvidence } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy, type Ended } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';

type Item = { readonly ref: string; readonly record_kind: string; readonly run_id: string | null };
type Verification = { readonly verified: boolean; readonly failed_at?: string; readonly checks: readonly { name: string; ok: boolean }[] };

let at: Deployment;
let evidence = '';
let exported = '';
let decisionRef = '';

beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at, { extra: 'defer: { max: 2s, min_interval: 1s, then: deny }' });
  for (const [run, rows] of [
    ['first', '1,10'],
    ['second', '1,10\n2,20'],
  ] as const) {
    const snapshot = await goodSnapshot(at, rows);
    await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', run, '--wait']);
  }
  const bad = await snapshotOf(at, '1,\n');
  await importQuality(at, bad, junit({ failed: 'not_null_orders_id' }));
  await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', bad, '--run-id', 'denied'], 3);
  const undated = await snapshotOf(at, '9,90');
  await importQuality(at, undated, junit({ ranAt: null }));
  await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', undated, '--run-id', 'timed-out'], 8);

  evidence = join(at.folder, 'evidence.json');
  exported = join(at.folder, 'run.json');
  decisionRef = String((await at.json(['decision', 'get', 'first'])).decision_ref);
  await at.json(['evidence', 'get', decisionRef, '-O', evidence]);
  await at.json(['evidence', 'export', 'first', '-O', exported]);
});
afterAll(async () => {
  await at.remove();
});

const verified = (ended: Ended) => JSON.parse(ended.stdout) as Verification;
const watched = async (argv: readonly string[]) => {
  const file = join(at.folder, `watch-${Math.random().toString(36).slice(2)}`);
  const env = { NODE_OPTIONS: `--import=${join(import.meta.dirname, 'offline-watch.mjs')}`, OFFLINE_WATCH: file };
  const ended = await at.govctl(argv, { env });
  return { ended, connections: (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '') };
};

describe('offline', () => {
  it('verification and replay open no connection; asking the daemon does', async () => {
    for (const argv of [
      ['evidence', 'verify', evidence, '--offline', '-o', 'json'],
      ['evidence', 'verify', exported, '--offline', '-o', 'json'],
      ['decision', 'replay', exported, '--offline', '-o', 'json'],
    ]) {
      const { ended, connections } = await watched(argv);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(connections).toEqual([]);
    }
    const online = await watched(['log', 'checkpoint']);
    expect(online.ended.code).toBe(0);
    expect(online.connections).toContain('PIPECONNECTWRAP');
  });

  it('names every check of a good file', async () => {
    const result = verified(await at.govctl(['evidence', 'verify', evidence, '--offline', '-o', 'json']));
    expect(result).toMatchObject({ kind: 'EvidenceVerification', verified: true, record: { ref: decisionRef, record_kind: 'decision' } });
    expect(result.checks.map(({ name }) => name)).toEqual(
      'format envelope ref signature statement threshold subject leaf checkpoint inclusion key-range'.split(' '),
    );
  });

  it('reads standard input, and fails for evidence of something else', async () => {
    const bytes = await at.govctl(['evidence', 'get', decisionRef, '-O', '-']);
    expect(bytes.stdout).toBe(await readFile(evidence, 'utf8'));
    const piped = await at.govctl(['evidence', 'verify', '-', '-o', 'json', '--ref', decisionRef], { stdin: bytes.stdout });
    expect([piped.code, verified(piped).verified]).toEqual([0, true]);
    const other = await at.govctl(['evidence', 'verify', '-', '-o', 'json', '--ref', `sha256:${'0'.repeat(64)}`], { stdin: bytes.stdout });
    expect([other.code, verified(other).failed_at]).toEqual([20, 'ref']);
    const subject = ['evidence', 'verify', '-', '-o', 'json', '--subject', `sha256:${'0'.repeat(64)}`];
    const wrong = await at.govctl(subject, { stdin: bytes.stdout });
    expect([wrong.code, verified(wrong).failed_at]).toEqual([20, 'subject']);
  });
});

describe('an archive', () => {
  const since = '2026-01-01T00:00:00Z';
  let archive = '';
  beforeAll(async () => {
    archive = join(at.folder, 'archive.ndjson');
    await at.json(['evidence', 'export', '--since', since, '-O', archive]);
  });
  const verify = async (lines: readonly string[], extra: readonly string[] = []) => {
    const file = join(at.folder, 'changed.ndjson');
    await writeFile(file, lines.join('\n'));
    return at.govctl(['evidence', 'verify', file, '--offline', '-o', 'json', ...extra]);
  };

  it('has every record of the log with its proof, and verifies without a connection', async () => {
    const { ended, connections } = await watched(['evidence', 'verify', archive, '--offline', '-o', 'json']);
    expect([ended.code, ended.stderr, connections]).toEqual([0, '', []]);
    const { archive: manifest } = JSON.parse(ended.stdout) as {
      archive: { records: number; last_leaf: number; by_kind: Record<string, number> };
    };
    expect(manifest).toMatchObject({ first_leaf: 0, records: manifest.last_leaf + 1, erased: 0, by_kind: { promotion: 2 } });
    expect(manifest.by_kind.decision).toBeGreaterThanOrEqual(4);
    const shown = await at.govctl(['evidence', 'verify', archive]);
    expect(shown.stdout).toMatch(new RegExp(`verified: ${manifest.records} records, 2026-01-01`));
  });

  it('shows a line taken out, put elsewhere, changed or cut off, by its place', async () => {
    const lines = (await readFile(archive, 'utf8')).split('\n');
    const at5 = lines.findIndex((line) => line.includes('"leaf_index":5'));
    const failing = [
      [lines.toSpliced(at5, 1), 'order', /leaf 4 comes leaf 6: 1 between them are missing/],
      [lines.toSpliced(at5, 0, ...lines.slice(at5, at5 + 1)), 'order', /stands after leaf 5/],
      [lines.with(at5, (lines[at5] ?? '').replace('"payload":"e', '"payload":"f')), 'records', /^line \d+: sha256:/],
      [lines.slice(0, -2), 'end', /cut off/],
      [[...lines.slice(0, -1), lines[1] ?? ''], 'end', /something after the end/],
      [lines.with(0, (lines[0] ?? '').replace('2026-01-01', '2026-01-02')), 'manifest', /since is/],
    ] as const;
    for (const [changed, failed_at, detail] of failing) {
      const ended = await verify(changed);
      expect([ended.code, verified(ended).failed_at], String(detail)).toEqual([20, failed_at]);
      expect(JSON.stringify(verified(ended).checks.at(-1)), String(detail)).toMatch(new RegExp(detail.source.replace('^', '')));
    }
    expect((await verify(lines, ['--ref', decisionRef])).code).toBe(0);
    expect(verified(await verify(lines, ['--ref', `sha256:${'0'.repeat(64)}`])).failed_at).toBe('subject');
  });

  it('of one dataset has only its records; of a time without any there is none, and nothing is written', async () => {
    const out = join(at.folder, 'orders.ndjson');
    const { archive: manifest } = (await at.json(['evidence', 'export', '--since', since, '--dataset', 'orders', '-O', out])) as {
      archive: { records: number; first_leaf: number; last_leaf: number; dataset_id: string };
    };
    expect(manifest.dataset_id).toBe('orders');
    expect(manifest.records).toBeLessThanOrEqual(manifest.last_leaf - manifest.first_leaf + 1);
    let attempt = 0;
    const bothWays = async () => {
      attempt += 1;
      const file = join(at.folder, `orders-${attempt}.ndjson`);
      await at.json(['evidence', 'export', '--since', since, '--dataset', 'orders', '-O', file]);
      const piped = await at.govctl(['evidence', 'export', '--since', since, '--dataset', 'orders']);
      return [piped.code, piped.stdout === (await readFile(file, 'utf8'))];
    };
    // What the daemon records by itself between the two is under the second one's checkpoint.
    await expect.poll(bothWays, { timeout: 60_000 }).toEqual([0, true]);
    const empty = join(at.folder, 'empty.ndjson');
    const ended = await at.govctl([
      'evidence',
      'export',
      '--since',
      '2020-01-01T00:00:00Z',
      '--until',
      '2020-01-02T00:00:00Z',
      '-O',
      empty,
    ]);
    expect([ended.code, ended.stdout]).toEqual([11, '']);
    expect(ended.stderr).toContain('the log has no record from 2020-01-01T00:00:00.000Z to 2020-01-02T00:00:00.000Z');
    await expect(readFile(empty)).rejects.toThrow('ENOENT');
    for (const wrong of [['export'], ['export', 'first', '--since', since], ['export', 'first', '--dataset', 'orders']])
      expect((await at.govctl(['evidence', ...wrong])).code).toBe(2);
  });
});

describe('bad evidence', () => {
  const edit =
    (change: (file: Record<string, unknown> & { envelope: { payload: string; signatures: { sig: string }[] } }) => void) =>
    (text: string) => {
      const file = JSON.parse(text);
      change(file);
      return JSON.stringify(file);
    };
  const payload = (change: (text: string) => string) =>
    edit((file) => {
      file.envelope.payload = Buffer.from(change(Buffer.from(file.envelope.payload, 'base64').toString())).toString('base64');
    });
  it.each<[string, (text: string) => string, string]>([
    ['truncated', (text) => text.slice(0, text.length / 2), 'format'],
    ['empty', () => '', 'format'],
    ['binary junk', () => '\u0000\u0001\u0002', 'format'],
    ['deeply nested', () => '['.repeat(10_000), 'format'],
    ['with a name twice', (text) => text.replace('{', '{"ref":"x",'), 'format'],
    ['with an unknown field', edit((file) => Object.assign(file, { approved: true })), 'format'],
    ['with another verdict', payload((text) => text.replace('"decision":"allow"', '"decision":"deny"')), 'ref'],
    [
      'with another signature',
      edit((file) => {
        for (const one of file.envelope.signatures) one.sig = Buffer.alloc(64, 1).toString('base64');
      }),
      'signature',
    ],
    ['at another place', edit((file) => Object.assign(file, { leaf_index: Number(file.leaf_index) + 1 })), 'format'],
    [
      'with another root',
      edit((file) => Object.assign(file, { proof: String(file.proof).replace(/\n(\d+)\n[A-Za-z0-9+/]{4}/, '\n$1\nAAAA') })),
      'checkpoint',
    ],
  ])('%s: exit 20, and the first thing that fails is named', async (_what, spoil, failedAt) => {
    const file = await at.file('bad.json', spoil(await readFile(evidence, 'utf8')));
    const ended = await at.govctl(['evidence', 'verify', file, '--offline', '-o', 'json']);
    expect([ended.code, verified(ended).verified, verified(ended).failed_at, ended.stderr]).toEqual([20, false, failedAt, '']);
  });

  it('a run without one of its records, with other facts or another policy, does not verify or replay', async () => {
    const text = await readFile(exported, 'utf8');
    const spoilt: [string, (run: { records: { facts: string | null }[]; policies: { source: string }[] }) => void][] = [
      ['chain', (run) => void run.records.shift()],
      ['facts', (run) => Object.assign(run.records[0] ?? {}, { facts: run.records[0]?.facts?.replace('RAW', 'GDP') })],
      ['policies', (run) => Object.assign(run.policies[0] ?? {}, { source: 'rules: []' })],
    ];
    for (const [failedAt, spoil] of spoilt) {
      const run = JSON.parse(text);
      spoil(run);
      const file = await at.file('bad-run.json', JSON.stringify(run));
      for (const argv of [
        ['evidence', 'verify', file],
        ['decision', 'replay', file],
      ]) {
        const ended = await at.govctl([...argv, '-o', 'json']);
        expect([ended.code, verified(ended).failed_at]).toEqual([20, failedAt]);
      }
    }
  });

  it('without a trust root nothing is believed, and the error says how to pin one', async () => {
    const env = { GOVCTL_CONFIG: '', XDG_CONFIG_HOME: join(at.folder, 'nothing-here') };
    const ended = await at.govctl(['evidence', 'verify', evidence, '-o', 'json'], { env });
    expect([ended.code, ended.stdout]).toEqual([20, '']);
    const problem = JSON.parse(ended.stderr) as { code: string; hint: string };
    expect(problem.code).toBe('untrusted-keys');
    expect(problem.hint).toContain('govctl context add');
    expect(problem.hint).toContain('--trust-file');
    const given = await at.govctl(['evidence', 'verify', evidence, '--trust', join(at.state, 'trust.json')], { env });
    expect(given.code).toBe(0);
  });
});

it('a complete log of the same name, signed again with other keys, is believed nowhere', async () => {
  const other = await deploy();
  try {
    await other.start();
    await govern(other);
    const snapshot = await goodSnapshot(other, '1,10');
    await other.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', 'first', '--wait']);
    const ref = String((await other.json(['decision', 'get', 'first'])).decision_ref);
    const file = join(other.folder, 'forged.json');
    await other.json(['evidence', 'get', ref, '-O', file]);
    expect((await other.govctl(['evidence', 'verify', file])).code).toBe(0);
    expect((await other.govctl(['log', 'verify'])).code).toBe(0);

    const pinned = ['--trust', join(at.state, 'trust.json'), '-o', 'json'];
    const forged = await at.govctl(['evidence', 'verify', file, ...pinned]);
    expect([forged.code, verified(forged).failed_at]).toEqual([20, 'signature']);
    for (const argv of [
      ['log', 'verify'],
      ['log', 'checkpoint'],
      ['log', 'prove', ref],
      ['evidence', 'get', ref],
      ['evidence', 'export', 'first'],
    ]) {
      const ended = await other.govctl([...argv, ...pinned]);
      expect([argv.join(' '), ended.code, ended.stdout]).toEqual([argv.join(' '), 20, '']);
      expect(JSON.parse(ended.stderr).code).toBe('integrity');
    }
  } finally {
    await other.remove();
  }
});

it('everything a live daemon logged verifies, and says what it must', async () => {
  await at.json(['promotion', 'rollback', 'second', '--reason', 'figures were wrong', '--yes']);
  const { items: holds } = await at.json<{ items: { hold_id: string }[] }>(['hold', 'ls']);
  await at.json(['hold', 'lift', String(holds[0]?.hold_id), '--reason', 'looked at by hand']);
  await at.json(['apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'snapshot.*']);
  const trust = loadTrust(JSON.parse(await readFile(join(at.state, 'trust.json'), 'utf8')));
  const { items } = await at.json<{ items: Item[] }>(['evidence', 'ls', '--limit', '500']);
  const statements: Statement[] = [];
  for (const { ref, record_kind } of items) {
    const resolved = JSON.parse((await at.http('POST', `/v1/evidence/refs/${ref}/resolve`, {})).body) as { url: string };
    const { body } = await at.http('GET', resolved.url.slice('http://govd'.length));
    const result = verifyEvidence(JSON.parse(body), trust, { ref });
    expect(result).toMatchObject({ verified: true, record: { statement: { kind: record_kind } } });
    if (result.record !== undefined) statements.push(result.record.statement);
  }
  const kinds = new Set(statements.map((statement) => statement.kind));
  for (const kind of ['decision', 'promotion', 'audit', 'governance-fact', 'ref-resolution'] as const) expect(kinds).toContain(kind);
  const facts = statements.flatMap((statement) => (statement.kind === 'governance-fact' ? [statement.predicate.fact] : []));
  for (const fact of ['policy.activate', 'contract.apply', 'snapshot.create', 'hold.lift', 'apikey.add']) expect(facts).toContain(fact);
});

it('every decision is decided again alike: allowed, denied, deferred, and ended by its time', async () => {
  for (let tries = 0; tries < 200; tries += 1) {
    const run = await at.json<{ status: string }>(['promotion', 'get', 'timed-out']);
    if (run.status !== 'deferred') break;
    await sleep(100);
  }
  const verdicts: string[] = [];
  for (const run of ['first', 'denied', 'timed-out']) {
    const file = join(at.folder, `${run}.json`);
    await at.json(['evidence', 'export', run, '-O', file]);
    const replay = await at.json<{ equal: boolean; items: { decision: string; decided_by: string; equal: boolean; differs: string[] }[] }>([
      'decision',
      'replay',
      file,
    ]);
    for (const item of replay.items) {
      expect(item).toMatchObject({ replayed: true, equal: true, differs: [] });
      verdicts.push(`${item.decision} by ${item.decided_by}`);
    }
  }
  expect(verdicts).toEqual(['allow by policy', 'deny by policy', 'defer by policy', 'deny by timeout']);
});

it('a decision is decided again from its evidence file, its facts and the policy, each by itself', async () => {
  const run = JSON.parse(await readFile(exported, 'utf8')) as { records: { facts: string }[]; policies: { source: string }[] };
  const facts = await at.file('facts.json', run.records[0]?.facts ?? '');
  const pack = await at.file('pack.yaml', run.policies[0]?.source ?? '');
  const replay = ['decision', 'replay', evidence, '--facts', facts];
  expect(await at.json([...replay, '--pack', pack])).toMatchObject({ equal: true, items: [{ equal: true }] });
  // A rule that is not at hand is denied, never skipped: without the pack the verdict is another one.
  expect(await at.json(replay, 20)).toMatchObject({ equal: false, items: [{ decision: 'allow', replayed_decision: 'deny' }] });
  const other = await at.file('other-facts.json', (run.records[0]?.facts ?? '').replaceAll('"orders"', '"clients"'));
  expect(await at.json(['decision', 'replay', evidence, '--facts', other, '--pack', pack], 20)).toMatchObject({ equal: false });
  expect((await at.govctl(['decision', 'replay', evidence])).code).toBe(2);
});

describe('the log', () => {
  it('signs checkpoints that openssl verifies', async () => {
    const note = (await at.govctl(['log', 'checkpoint', '-o', 'note'])).stdout;
    const { text, signatures } = parseNote(note);
    const body = await at.file('body', text);
    await writeFile(join(at.folder, 'sig'), signatures[0]?.sig ?? '');
    const said = execFileSync(
      'openssl',
      [
        'pkeyutl',
        '-verify',
        '-pubin',
        '-inkey',
        join(at.state, 'keys', 'log.pub.pem'),
        '-rawin',
        '-in',
        body,
        '-sigfile',
        join(at.folder, 'sig'),
      ],
      { encoding: 'utf8' },
    );
    expect(said).toContain('Signature Verified Successfully');
  });

  it('is proved to have grown from what was kept, and not from what was not', async () => {
    const note = (await at.govctl(['log', 'checkpoint', '-o', 'note'])).stdout;
    const kept = await at.file('kept', note);
    await at.json(['apikey', 'add', '--actor', 'SYSTEM::more', '--action', 'snapshot.read']);
    const grown = await at.json<{ consistent: boolean; from_size: number; tree_size: number }>(['log', 'prove', '--since', kept]);
    expect(grown).toMatchObject({ consistent: true });
    expect(grown.tree_size).toBeGreaterThan(grown.from_size);
    const edited = await at.file('edited', note.replace(/\n\d+\n/, '\n3\n'));
    expect((await at.govctl(['log', 'prove', '--since', edited])).code).toBe(20);
    expect(await at.json(['log', 'prove', decisionRef])).toMatchObject({ kind: 'LogProof', ref: decisionRef });
    expect((await at.govctl(['log', 'prove', decisionRef, '-o', 'proof'])).stdout).toMatch(/^c2sp.org\/tlog-proof@v1\nindex \d+\n/);
    expect((await at.govctl(['log', 'prove'])).code).toBe(2);
    expect((await at.govctl(['log', 'prove', `sha256:${'0'.repeat(64)}`])).code).toBe(11);
  });

  it('is read again whole', async () => {
    type Whole = { verified: boolean; tree_size: number; checked: { leaves: number }; leaves_per_second: number };
    type Apart = { structure: { seconds: number }; signatures: { leaves: number; seconds: number; threads: number }; seconds: number };
    const result = await at.json<Whole & Apart>(['log', 'verify']);
    expect(result.verified).toBe(true);
    expect(result.checked.leaves).toBe(result.tree_size);
    const { structure, signatures, seconds } = result;
    expect(signatures.leaves).toBe(result.tree_size);
    expect(signatures.threads).toBeGreaterThan(0);
    expect(structure.seconds + signatures.seconds).toBeCloseTo(seconds, 2);
    expect(result.leaves_per_second).toBeGreaterThan(0);
  });

  it('shows a URL that works once', async () => {
    const url = (await at.govctl(['evidence', 'get', decisionRef, '--url'])).stdout;
    expect(url).toMatch(/^http:\/\/govd\/v1\/evidence\/fetch\?cap=[\w-]+\.[\w-]+\.[\w-]+\n$/);
    const path = url.trim().slice('http://govd'.length);
    expect((await at.http('GET', `${path}&again=1`)).status).toBe(400);
    expect((await at.http('GET', path)).status).toBe(200);
    expect((await at.http('GET', path)).status).toBe(410);
    expect(await at.log()).not.toContain(path.split('cap=')[1]);
  });
});

describe('a payload that was kept long enough', () => {
  type List = { items: { disposition_id: string; rule: string; records: number; erased: number; finished: boolean }[] };
  const disposition = <T>(...argv: string[]) => at.json<T>(['evidence', 'disposition', ...argv]);
  const restart = async (signal?: NodeJS.Signals) => {
    await at.stop(signal);
    await at.start();
  };
  /** Promotions that were, all but the newest superseded. */
  let moves = 0;

  it('stays without a rule, and on hold', async () => {
    const refused = await at.govctl(['evidence', 'disposition', 'plan']);
    expect(refused.stderr).toMatch(/no retention rule is configured(.|\n)*retention\.rules/);
    for (const argv of [['apply'], ['burn']]) expect((await at.govctl(['evidence', 'disposition', ...argv])).code).toBe(2);
    await appendFile(join(at.state, 'govd.yaml'), 'retention:\n  rules: [{ name: moves, kinds: [promotion], keep_for: 1s }]\n');
    await restart();
    const [counted] = await at.rows<{ moves: number | string }>('govd', 'SELECT count(*) AS moves FROM pointer');
    moves = Number(counted?.moves);
    expect(moves).toBeGreaterThanOrEqual(2);
    // The last promotion is what is ACTIVE.
    expect(await disposition('plan')).toMatchObject({ items: [{ rule: 'moves', records: moves - 1, held: 0, in_use: 1 }], unfinished: [] });
    const hold = await at.json<{ hold_id: string }>(['hold', 'place', '--dataset', 'orders', '--layer', 'KPI', '--reason', 'litigation']);
    expect(await disposition('plan')).toMatchObject({ items: [{ records: 0, held: moves }] });
    expect(await disposition<List>('apply', '--reason', 'too early')).toMatchObject({ items: [] });
    await at.json(['hold', 'lift', hold.hold_id, '--reason', 'settled']);
  });

  it('is announced, and then erased, after a kill between the two as well; nothing erases it past the daemon', async () => {
    const [item] = (JSON.parse((await at.http('POST', '/v1/evidence/dispositions', { reason: 'kept enough' })).body) as List).items;
    expect(item).toMatchObject({ records: moves - 1, erased: 0, finished: false });
    await restart('SIGKILL');
    const { findings } = await at.json<{ findings: { check: string; fix: string }[] }>(['reconcile'], 22);
    const unfinished = { check: 'disposition', fix: 'govctl evidence disposition apply --reason TEXT' };
    expect(findings).toContainEqual(expect.objectContaining(unfinished));
    expect(await disposition<List>('apply', '--reason', 'kept enough')).toMatchObject({
      items: [{ disposition_id: item?.disposition_id, erased: moves - 1, finished: true }],
    });
    expect(await disposition<List>('apply', '--reason', 'again')).toMatchObject({ items: [] });
    const past = at.rows('govd', 'DELETE FROM record_payload WHERE leaf_index = (SELECT max(leaf_index) FROM record) RETURNING leaf_index');
    await expect(past).rejects.toThrow(/recorded disposition|readonly|returns? data/);
  });

  it('leaves a log that verifies, and says what is gone', async () => {
    expect(await at.json(['log', 'verify'])).toMatchObject({ verified: true, checked: { erased: moves - 1, pointers: moves } });
    const { items } = await at.json<{ items: (Item & { erased: boolean })[] }>(['evidence', 'ls', '--run', 'first', '--kind', 'promotion']);
    expect(items).toMatchObject([{ erased: true }]);
    const gone = await at.govctl(['evidence', 'get', items[0]?.ref ?? '', '-O', '-']);
    expect([gone.code, gone.stdout]).toEqual([11, '']);
    expect(gone.stderr).toContain('was erased; its leaf and its proof stay');
    expect((await at.govctl(['evidence', 'export', 'first', '-O', '-'])).code).toBe(11);
    const archive = join(at.folder, 'erased.ndjson');
    await at.json(['evidence', 'export', '--since', '2026-01-01T00:00:00Z', '-O', archive]);
    const offline = await at.govctl(['evidence', 'verify', archive, '--offline', '-o', 'json']);
    expect(JSON.parse(offline.stdout)).toMatchObject({ verified: true, archive: { erased: moves - 1 } });
    expect(await at.json(['promotion', 'get', 'first'])).toMatchObject({ status: 'succeeded' });
    // A deployment on PostgreSQL is backed up with the means of its server.
    if (at.postgres !== undefined) return;
    const backup = join(at.folder, 'erased.tar');
    await at.json(['backup', 'create', '-O', backup]);
    expect(await at.json(['backup', 'inspect', backup])).toMatchObject({ verified: true });
  });
});

it('a daemon killed at its first leaf starts again; one restored behind signs nothing until that is declared', async () => {
  const one = await deploy();
  const add = (n: number) => one.govctl(['apikey', 'add', '--actor', `SYSTEM::n${n}`, '--action', 'snapshot.read', '-o', 'json']);
  const adopt = async (reason: string) => {
    const { runToEnd } = await import('./harness.ts');
    return await runToEnd('govd', ['log', 'adopt', '--state-dir', one.state, '--reason', reason], process.env);
  };
  try {
    await one.start();
    expect((await add(1)).code).toBe(0);
    await one.stop('SIGKILL');
    await one.start();
    expect(await one.json(['log', 'verify'])).toMatchObject({ verified: true, tree_size: 1 });
    await one.stop();
    const restore = await one.backup();

    await one.start();
    expect((await add(2)).code).toBe(0);
    expect((await adopt('while it runs')).code).toBe(75);
    expect(await one.stop()).toBe(0);
    const nothing = await adopt('nothing happened');
    expect([nothing.code, nothing.stderr.split(':')[0]]).toEqual([1, 'error[conflict]']);

    await restore();
    const starting = one.start().catch((error: unknown) => String(error));
    let ready = '';
    for (let tries = 0; tries < 400 && !ready.includes('evidence-log'); tries += 1) {
      ready = await one.http('GET', '/readyz').then(
        ({ body }) => body,
        () => '',
      );
      await sleep(50);
    }
    expect(JSON.parse(ready)).toMatchObject({ ready: false });
    expect(ready).toContain('older copy');
    const refused = await add(3);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'evidence-unavailable' });
    expect(JSON.parse(refused.stderr).hint).toContain('govd log adopt');
    expect((await one.http('GET', '/healthz')).status).toBe(200);
    await one.stop();
    expect(await starting).toContain('did not become ready');

    const adopted = await adopt('restored from the backup');
    expect([adopted.code, adopted.stderr]).toEqual([0, expect.stringContaining('verifying the log')]);
    await one.start();
    expect((await add(4)).code).toBe(0);
    expect(await one.json(['log', 'verify'])).toMatchObject({ verified: true, tree_size: 3 });
  } finally {
    await one.remove();
  }
});

it('killed in the middle of writing, again and again: what was acknowledged is in the log, and the log continues', async () => {
  const one = await deploy();
  const acknowledged = new Set<string>();
  const grants = [{ actions: ['snapshot.read'], tenants: ['default'], datasets: ['*'] }];
  try {
    for (let round = 0; round < 4; round += 1) {
      await one.start();
      let killed = false;
      const writers = Array.from({ length: 4 }, async () => {
        while (!killed) {
          const answer = await one.http('POST', '/v1/keys/api', { actor_id: 'SYSTEM::w', grants }).catch(() => undefined);
          if (answer?.status === 201) acknowledged.add(String((JSON.parse(answer.body) as { key_id: string }).key_id));
        }
      });
      for (const wanted = acknowledged.size + 20; acknowledged.size < wanted; ) await sleep(5);
      await one.stop('SIGKILL');
      killed = true;
      await Promise.all(writers);
    }
    await one.start();
    expect(await one.json(['log', 'verify'])).toMatchObject({ verified: true, failed: 0 });
    const { items } = await one.json<{ items: { key_id: string }[] }>(['apikey', 'ls', '--all']);
    const known = new Set(items.map(({ key_id }) => key_id));
    expect([...acknowledged].filter((key) => !known.has(key))).toEqual([]);
    // Each key but the one of govd init has its record, whoever was told of it.
    const { tree_size } = await one.json<{ tree_size: number }>(['log', 'checkpoint']);
    expect(tree_size).toBe(known.size - 1);
  } finally {
    await one.remove();
  }
});

import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectClean, expectInvariants, promotionOf, type Scene, scene } from './fault/scene.ts';
import { daemonProgram, runToEnd } from './harness.ts';

type Backup = {
  readonly file: string;
  readonly sha256: string;
  readonly evidence_ref: string;
  readonly log: { readonly size: number };
  readonly objects: { readonly count: number };
};
type Restored = {
  readonly next: readonly { readonly command: string }[];
  readonly leaves_verified: number;
  readonly second_place: { readonly holds: string };
};

let on: Scene;
let made: Backup;
const at = (name: string) => join(on.at.folder, name);
const restore = (file: string, to: string, ...more: string[]) =>
  on.at.govctl(['backup', 'restore', at(file), '--state-dir', at(to), '--govd', daemonProgram, '-o', 'json', ...more]);

beforeAll(async () => {
  on = await scene({ datasets: 2 });
  // While somebody goes on writing.
  let going = true;
  const writing = (async () => {
    for (let n = 0; going; n += 1) {
      const lines = [{ change: 'BORN', object_key: `object-${n}`, object_type: 'table', born_at: new Date().toISOString() }];
      const permit = JSON.parse(
        (
          await on.insist('POST', '/v1/births/permits', {
            permit_kind: 'single',
            object_key: `object-${n}`,
            object_type: 'table',
            reason: 'test',
            expires_at: new Date(Date.now() + 60_000).toISOString(),
          })
        ).body,
      ) as { permit_id: string };
      await on.insist('POST', '/v1/births', { lines, permit_id: permit.permit_id });
    }
  })();
  try {
    const [first] = on.datasets;
    if (first === undefined) throw new Error('no dataset');
    await on.insist('POST', '/v1/promotions', promotionOf('before', first));
    made = await on.at.json<Backup>(['backup', 'create', '-O', at('b.tar')]);
  } finally {
    going = false;
    await writing;
  }
});
afterAll(() => on?.remove());

describe('a backup of a daemon that goes on', () => {
  it('is one file, verified, with nothing private in it, and on record', async () => {
    const inspected = await on.at.json(['backup', 'inspect', at('b.tar')]);
    expect(inspected).toMatchObject({ verified: true, private_keys: false, trusted_by: 'pinned', lacks: { count: 0 } });
    const bytes = await readFile(at('b.tar'));
    for (const name of ['decision.key', 'log.key', 'operator.apikey']) {
      const lines = (await readFile(join(on.at.state, 'keys', name), 'utf8')).split('\n').filter((line) => /^[^-]{40,}/.test(line));
      expect(lines).toHaveLength(1);
      expect(bytes.includes(lines[0] ?? '')).toBe(false);
    }
    const { items } = await on.at.json<{ items: { ref: string }[] }>(['evidence', 'ls', '--kind', 'governance-fact']);
    expect(items.map(({ ref }) => ref)).toContain(made.evidence_ref);
    expect(existsSync(join(on.at.state, '.backup'))).toBe(false);
    expect(readdirSync(on.at.folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('needs a grant for everything', async () => {
    for (const [actor, ...grant] of [
      ['SYSTEM::none', '--action', 'promotion.*'],
      ['SYSTEM::part', '--action', 'backup.create', '--dataset', 'orders-0'],
    ]) {
      await on.at.json(['apikey', 'add', '--actor', actor ?? '', ...grant, '-O', at(`${actor}.key`)]);
      const ended = await on.at.govctl(['backup', 'create', '-O', at('denied.tar')], { env: { GOVCTL_API_KEY_FILE: at(`${actor}.key`) } });
      expect([ended.code, existsSync(at('denied.tar'))]).toEqual([4, false]);
    }
  });

  it('is written over nothing, and packed as its name says', async () => {
    expect((await on.at.govctl(['backup', 'create', '-O', at('b.tar')])).code).toBe(10);
    expect((await on.at.govctl(['backup', 'create', '-O', at('b.zip')])).code).toBe(2);
    expect((await on.at.govctl(['backup', 'create', '-O', at('none/b.tar')])).code).toBe(1);
    const whole = await on.at.json(['backup', 'create', '-O', at('whole.tar.gz'), '--private-keys', join(on.at.state, 'keys')]);
    expect(whole).toMatchObject({ private_keys: true });
    await on.at.json(['backup', 'create', '-O', at('b.tar.zst')]);
    expect((await readFile(at('b.tar.zst'))).readUInt32LE(0)).toBe(0xfd2fb528);
    const foreign = await on.at.govctl(['backup', 'create', '-O', at('foreign.tar'), '--private-keys', await foreignKeys()]);
    expect([foreign.code, existsSync(at('foreign.tar'))]).toEqual([20, false]);
  });
});

async function foreignKeys(): Promise<string> {
  const ended = await runToEnd('govd', ['init', '--state-dir', at('other')], process.env);
  expect(ended.code).toBe(0);
  return at('other/keys');
}

describe('restore', () => {
  it('says in a dry run what it would do, and does nothing', async () => {
    const dry = await restore('b.tar', 'dry', '--dry-run');
    expect([dry.code, existsSync(at('dry'))]).toEqual([0, false]);
    expect(JSON.parse(dry.stdout)).toMatchObject({ dry_run: true, leaves_verified: null, second_place: { holds: 'nothing' } });
  });

  it('refuses a target that holds something, and one a govd runs on', async () => {
    await mkdir(at('full'));
    await writeFile(at('full/mine'), 'mine');
    const full = await restore('b.tar', 'full');
    expect([full.code, full.stderr]).toEqual([10, expect.stringContaining('not empty')]);
    const live = await restore('b.tar', 'state');
    expect([live.code, live.stderr]).toEqual([10, expect.stringContaining('a govd runs on')]);
    expect(await readFile(at('full/mine'), 'utf8')).toBe('mine');
    expect((await restore('b.tar', 'full/mine')).code).toBe(2);
  });

  it('leaves nothing behind when the backup is cut short, changed, packed wrongly, or none', async () => {
    const whole = await readFile(at('b.tar'));
    const packed = await readFile(at('b.tar.zst'));
    const flipped = Buffer.from(whole);
    const place = whole.length - Math.floor(whole.length / 3);
    flipped[place] = (flipped[place] ?? 0) ^ 1;
    const cases: [string, Buffer, number][] = [
      ['cut.tar', whole.subarray(0, whole.length - 5000), 20],
      ['half.tar', whole.subarray(0, whole.length >> 1), 20],
      ['flipped.tar', flipped, 20],
      ['cut.tar.zst', packed.subarray(0, packed.length - 100), 20],
      ['cut.tar.gz', (await readFile(at('whole.tar.gz'))).subarray(0, 900), 20],
      ['none.tar', Buffer.from('hello'), 2],
      ['empty.tar', Buffer.alloc(0), 2],
    ];
    for (const [name, bytes, code] of cases) {
      await writeFile(at(name), bytes);
      const ended = await restore(name, 'broken');
      expect([name, ended.code, ended.stdout]).toEqual([name, code, '']);
      expect(ended.stderr).not.toMatch(/\n\s+at /);
      expect([name, existsSync(at('broken'))]).toEqual([name, false]);
      if (name === 'flipped.tar' || name === 'none.tar')
        expect([name, (await on.at.govctl(['backup', 'inspect', at(name)])).code]).toEqual([name, code]);
    }
  });

  it('refuses a database of a newer schema, and a deployment whose keys are not the pinned ones', async () => {
    // A govd that knows less than the one that made it, as that says it.
    const older = at('older-govd');
    await writeFile(
      older,
      '#!/bin/sh\necho "error[unavailable]: the database has schema 9999 (9999_newer.sql), which this program (schema 3) must not use" >&2\necho "fix: run the newer govd" >&2\nexit 69\n',
    );
    await chmod(older, 0o755);
    const newer = await on.at.govctl(['backup', 'restore', at('b.tar'), '--state-dir', at('newer'), '--govd', older]);
    expect([newer.code, newer.stderr, existsSync(at('newer'))]).toEqual([
      2,
      expect.stringMatching(/has schema 9999[\s\S]*fix: run the newer govd/),
      false,
    ]);
    const foreign = await restore('b.tar', 'foreign', '--trust', at('other/trust.json'));
    expect([foreign.code, foreign.stderr]).toEqual([20, expect.stringContaining('not of the deployment')]);
    expect((await on.at.govctl(['backup', 'restore', at('b.tar'), '--state-dir', at('x'), '--govd', at('nowhere')])).code).toBe(2);
  });

  it('brings everything back: the log verified, nothing signed until that is declared, then it goes on', async () => {
    const [, second] = on.datasets;
    if (second === undefined) throw new Error('no dataset');
    await on.insist('POST', '/v1/promotions', promotionOf('after', second));
    const ended = await restore('b.tar', 'restored', '--keys', join(on.at.state, 'keys'));
    expect([ended.code, ended.stderr]).toEqual([0, '']);
    const restored = JSON.parse(ended.stdout) as Restored;
    expect(restored).toMatchObject({ leaves_verified: made.log.size, second_place: { holds: 'nothing' } });
    expect(readdirSync(at('restored'))).not.toContain('.restore');
    const back = on.at.elsewhere(at('restored'));
    try {
      const lines = restored.next.map(({ command }) => command);
      expect(lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
        'govd log adopt',
        'govd run --state-dir',
        `govctl --config ${at('restored/govctl.yaml')}`,
      ]);
      const adopted = await runToEnd('govd', ['log', 'adopt', '--state-dir', at('restored'), '--reason', 'restored'], process.env);
      expect([adopted.code, adopted.stderr]).toEqual([0, expect.any(String)]);
      await back.start();
      await expectClean(back);
      expectInvariants(back, ['before']);
      expect(await back.json(['promotion', 'get', 'before'])).toMatchObject({ status: 'succeeded' });
      expect((await back.govctl(['promotion', 'get', 'after'])).code).toBe(11);
      await back.json(['promote', second.dataset_id, '--from', 'RAW', '--to', 'GDP', '--snapshot', second.snapshot_id, '--wait']);
    } finally {
      await back.stop();
    }
  });
});

it('what the deployment itself lacks is told, and does not hinder', async () => {
  const [row] = await on.at.rows<{ snapshot_hash: string }>('govd', 'SELECT snapshot_hash FROM snapshot LIMIT 1');
  const hash = row?.snapshot_hash;
  const hex = (hash ?? '').slice('sha256:'.length);
  const object = join(on.at.state, 'objects', hex.slice(0, 2), hex.slice(2));
  const bytes = await readFile(object);
  try {
    await rm(object);
    const lacking = await on.at.json(['backup', 'create', '-O', at('lacking.tar')], 22);
    expect(lacking).toMatchObject({ lacks: { count: 1 } });
    await writeFile(object, 'rotten');
    const rotten = await on.at.json(['backup', 'create', '-O', at('rotten.tar')], 22);
    expect(rotten).toMatchObject({ lacks: { count: expect.any(Number), items: expect.arrayContaining([hash]) } });
    expect((await on.at.govctl(['backup', 'inspect', at('rotten.tar')])).code).toBe(0);
  } finally {
    await writeFile(object, bytes);
  }
});

it('govd log verify reads a stopped folder without its private keys, and finds what was changed', async () => {
  expect((await restore('whole.tar.gz', 'offline')).code).toBe(0);
  for (const name of readdirSync(at('offline/keys')).filter((one) => one.endsWith('.key'))) await rm(at(`offline/keys/${name}`));
  const verify = () => runToEnd('govd', ['log', 'verify', '--state-dir', at('offline')], process.env);
  expect(await verify()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^verified: \d+ leaves/) });
  const database = new Database(at('offline/govd.db'));
  database.exec('DROP TRIGGER record_no_update');
  database.exec("UPDATE record SET recorded_at = '2026-01-01T00:00:00.000Z' WHERE leaf_index = 2");
  database.close();
  expect(await verify()).toMatchObject({ code: 1, stdout: expect.stringMatching(/columns: leaf 2.*\n1 findings/) });
  const live = await runToEnd('govd', ['log', 'verify', '--state-dir', on.at.state], process.env);
  expect([live.code, live.stderr]).toEqual([75, expect.stringContaining('another govd runs')]);
});

import type { ChildProcess } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatCosignerKey } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern } from './orders.ts';

type Run = { status: string; phase: string; waiting_on: string[]; phases: { status: string }[]; decision_ref: string };

let at: Deployment;
let vkey = '';
let trust = '';
let witness: { readonly child: ChildProcess; readonly url: string; readonly ended: Promise<unknown> };
let liar: Server;

const state = () => join(at.folder, 'witness');

/** The real program, until it is told to end. */
async function startWitness(listen: string): Promise<typeof witness> {
  let child: ChildProcess | undefined;
  const ended = at.govctl(['log', 'witness', 'run', '--state-dir', state(), '--listen', listen], {
    started: (it) => {
      child = it;
    },
  });
  const stderr = child?.stderr;
  if (child === undefined || stderr === undefined || stderr === null) throw new Error('no witness');
  const url = await new Promise<string>((resolve, reject) => {
    let text = '';
    stderr.on('data', (chunk: Buffer) => {
      text += String(chunk);
      const [found] = /http:\/\/[0-9.:]+/.exec(text) ?? [];
      if (found !== undefined) resolve(found);
    });
    child?.once('exit', () => reject(new Error(text)));
  });
  return { child, url, ended };
}

async function stopWitness(): Promise<void> {
  witness.child.kill('SIGTERM');
  await witness.ended;
}

beforeAll(async () => {
  at = await deploy();
  const root = JSON.parse(await readFile(join(at.state, 'trust.json'), 'utf8')) as { log: { vkey: string } };
  vkey = (await at.json<{ vkey: string }>(['log', 'witness', 'init', '--state-dir', state(), '--name', 'witness.example/w1'])).vkey;
  await at.json(['log', 'witness', 'add', '--state-dir', state(), '--vkey', root.log.vkey]);
  witness = await startWitness('127.0.0.1:0');
  liar = createServer((_request, response) => {
    response.end(`— witness.example/stranger ${Buffer.alloc(76, 7).toString('base64')}\n`);
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  const liarKey = formatCosignerKey(
    'witness.example/liar',
    Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex'),
  );
  const config = join(at.state, 'govd.yaml');
  const text = await readFile(config, 'utf8');
  const block = [
    '  quorum: 1',
    '  heartbeat: 2s',
    '  witness_timeout: 1s',
    '  witnesses:',
    `    - { vkey: '${vkey}', url: '${witness.url}' }`,
    `    - { vkey: '${liarKey}', url: 'http://127.0.0.1:${(liar.address() as AddressInfo).port}' }`,
  ].join('\n');
  // On PostgreSQL the file has it in one line.
  const lines = text.replace(/^log: \{ (.*) \}$/m, (_, inner: string) => `log:\n${inner.replace(/^|, /g, '\n  ').slice(1)}`);
  const configured = lines.replace(/^( +origin: .*)$/m, `$1\n${block}`);
  expect(configured).toContain(vkey);
  await writeFile(config, configured);
  trust = await at.file('trust.json', JSON.stringify({ ...root, witnesses: { keys: [vkey], quorum: 1 } }));
  await at.start();
  await govern(at);
});
afterAll(async () => {
  await stopWitness();
  liar.closeAllConnections();
  liar.close();
  await at.remove();
});

const promote = async (run: string, rows: string, exit: number) => {
  const snapshot = await goodSnapshot(at, rows);
  return await at.json<Run>(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', run], exit);
};
const until = async (what: () => Promise<boolean>) => {
  for (let tries = 0; tries < 300; tries += 1) {
    if (await what()) return;
    await sleep(100);
  }
  throw new Error(`it never became so\n${await at.log()}`);
};
describe('a quorum of witnesses', () => {
  it('completes a run, and what is shown verifies by a root that asks for it', async () => {
    const run = await promote('first', '1,10', 0);
    expect(run).toMatchObject({ phase: 'COMPLETED', status: 'succeeded', waiting_on: [] });
    expect(run.phases.map(({ status }) => status).slice(-2)).toEqual(['incomplete', 'succeeded']);

    const file = join(at.folder, 'evidence.json');
    await at.json(['evidence', 'get', run.decision_ref, '--trust', trust, '-O', file]);
    const verified = await at.json<{ checks: { name: string; detail: string }[] }>(['evidence', 'verify', file, '--trust', trust]);
    expect(verified.checks.at(-1)).toMatchObject({ name: 'witnesses', detail: expect.stringContaining('witness.example/w1 at ') });
    await at.json(['evidence', 'export', 'first', '--trust', trust, '-O', join(at.folder, 'run.json')]);
    await at.json(['log', 'prove', run.decision_ref, '--trust', trust]);
    expect(await at.json(['log', 'verify', '--trust', trust])).toMatchObject({ verified: true });
    expect(await at.json(['log', 'checkpoint', '--trust', trust, '--max-age', '2m'])).toMatchObject({
      witnesses: [{ name: 'witness.example/w1' }],
    });
    await at.json(['reconcile']);

    // Another witness than the one that cosigned: the same file does not do.
    const root = JSON.parse(await readFile(trust, 'utf8'));
    const stranger = formatCosignerKey(
      'witness.example/w9',
      Buffer.from('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c', 'hex'),
    );
    const other = await at.file('other.json', JSON.stringify({ ...root, witnesses: { keys: [stranger], quorum: 1 } }));
    expect(await at.json(['evidence', 'verify', file, '--trust', other], 20)).toMatchObject({ failed_at: 'witnesses' });
    expect((await at.govctl(['log', 'checkpoint', '--trust', other])).code).toBe(20);
  });

  it('is not met by one that lies, and the daemon says so', async () => {
    await until(async () => (await at.http('GET', '/readyz')).body.includes('witness.example/liar: it answered without a cosignature'));
    expect((await at.http('GET', '/readyz')).status).toBe(200);
    const metrics = (await at.http('GET', '/metrics')).body;
    expect(metrics).toMatch(/govd_witness_failures_total\{witness="witness.example\/liar"\} [1-9]/);
    expect(metrics).toMatch(/govd_witness_cosigned_size\{witness="witness.example\/w1"\} [1-9]/);
  });

  it('that is away leaves the run incomplete and unpublished, until it is back', async () => {
    await stopWitness();
    const run = await promote('second', '1,10\n2,20', 8);
    expect(run).toMatchObject({ phase: 'FINALIZING', status: 'incomplete', waiting_on: ['witnesses'] });
    const published = async () =>
      (await at.rows<{ events: string }>('govd', 'SELECT events FROM outbox')).filter(
        ({ events }) => events.includes('run.completed') && events.includes('second'),
      ).length;
    expect(await published()).toBe(0);
    await until(async () => (await at.http('GET', '/readyz')).status === 503);
    const doctor = await at.govctl(['doctor', '-o', 'json']);
    expect(doctor.code).toBe(22);
    expect(doctor.stdout).toContain('ready/witnesses');
    // What is shown stays what was cosigned: it verifies, and its age tells.
    await at.json(['log', 'checkpoint', '--trust', trust]);
    expect((await at.govctl(['log', 'checkpoint', '--trust', trust, '--max-age', '1s'])).code).toBe(20);

    await at.stop('SIGKILL');
    witness = await startWitness(witness.url.slice('http://'.length));
    await at.start();
    await until(async () => (await at.json<Run>(['promotion', 'get', 'second'])).status === 'succeeded');
    expect(await published()).toBe(1);
    expect(await at.json(['log', 'verify', '--trust', trust])).toMatchObject({ verified: true });
  });
});

it('a witness remembers over restarts, and takes no log back', async () => {
  const note = (await at.govctl(['log', 'checkpoint', '-o', 'note'])).stdout;
  const post = async (body: string, path = '/add-checkpoint') => {
    const answer = await fetch(`${witness.url}${path}`, { method: 'POST', body });
    return { status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() };
  };
  const size = async () =>
    (await at.json<{ logs: [{ tree_size: number }] }>(['log', 'witness', 'show', '--state-dir', state()])).logs[0].tree_size;
  // The log may grow between the two questions: what was recorded last is still on its way to the witness.
  const told = async () => ({ ...(await post(`old 0\n\n${note}`)), size: `${await size()}\n` });
  await expect
    .poll(async () => (({ body, size, ...rest }) => ({ ...rest, same: body === size }))(await told()), { timeout: 60_000 })
    .toEqual({
      status: 409,
      type: 'text/x.tlog.size',
      same: true,
    });
  expect((await post('hello')).status).toBe(400);
  const [origin = ''] = note.split('\n');
  expect((await post(`old 0\n\n${note.replaceAll(origin, 'other.example/log')}`)).status).toBe(404);
  expect((await post('x'.repeat(70_000))).status).toBe(413);
  expect((await post(`old 0\n\n${note}`, '/elsewhere')).status).toBe(404);
  const second = await at.govctl(['log', 'witness', 'run', '--state-dir', state(), '--listen', '127.0.0.1:0', '-o', 'json']);
  expect([second.code, JSON.parse(second.stderr).code]).toEqual([10, 'locked']);
  for (const argv of [['fly'], ['init'], ['init', '--name', 'a b'], ['add'], ['add', '--vkey', 'x'], ['run', '--listen', 'nowhere']])
    expect((await at.govctl(['log', 'witness', ...argv, '--state-dir', join(at.folder, 'none')])).code).not.toBe(0);
});

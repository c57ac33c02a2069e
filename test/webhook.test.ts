import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern, importQuality, junit, snapshotOf } from './orders.ts';
import { storeKind } from './store.ts';

const secret = `whsec_${Buffer.alloc(32, 5).toString('base64')}`;

type Got = { readonly id: string; readonly type: string; readonly run: string | null; readonly data: Readonly<Record<string, unknown>> };
type Lanes = { items: { lane: string; consumer: string; behind: number; waiting: number; dead: number }[] };
type Alerts = {
  items: { alert_key: string; state: string; told: string[]; occurrences: number; suppressed: Record<string, number> }[];
  overflow: number;
  sent_last_hour: number;
  per_hour: number;
};

let at: Deployment;
let receiver: Server;
const certificates = mkdtempSync(join(tmpdir(), 'govctl-ca-'));
const got: Got[] = [];
let answer: (one: Got, response: ServerResponse) => void;
const take = (_: Got, response: ServerResponse) => void response.writeHead(204).end();

/** A receiver with a certificate of an authority of our own; what is not signed, or not ours, fails the test. */
beforeAll(async () => {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: certificates, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=an authority of ours');
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  openssl('req', ...key, '-keyout', 'hook.key', '-out', 'hook.csr', ...names);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy'];
  openssl('x509', '-req', '-in', 'hook.csr', '-out', 'hook.pem', ...signed);
  answer = take;
  receiver = createServer(
    { cert: readFileSync(join(certificates, 'hook.pem')), key: readFileSync(join(certificates, 'hook.key')) },
    (request, response) => {
      let body = '';
      request.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      request.on('end', () => {
        const headers = request.headers as Record<string, string>;
        const said = new Webhook(secret).verify(body, headers) as { type: string; data: Record<string, unknown> };
        const run = typeof said.data.run_id === 'string' ? said.data.run_id : null;
        const one = { id: headers['webhook-id'] ?? '', type: said.type, run, data: said.data };
        got.push(one);
        answer(one, response);
      });
    },
  );
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  // Node reads it when the daemon starts.
  process.env.NODE_EXTRA_CA_CERTS = join(certificates, 'ca.pem');
  at = await deploy();
  mkdirSync(join(at.state, 'secrets'));
  await writeFile(join(at.state, 'secrets', 'ops'), `${secret}\n`, { mode: 0o600 });
  const file = join(at.state, 'govd.yaml');
  const url = `https://localhost:${(receiver.address() as AddressInfo).port}/hook`;
  const endpoint = `{ name: ops, url: '${url}', secret_file: secrets/ops, types: ['run.*'], tenants: [default] }`;
  const webhooks = `webhooks: { allow_hosts: [localhost], allow_loopback: true, timeout: 5s, attempts: 1, endpoints: [${endpoint}] }`;
  await writeFile(file, `${(await readFile(file, 'utf8')).trimEnd()}\n${webhooks}\nalerts: { sinks: [log, webhook/ops] }\n`);
  await at.start();
  await govern(at);
});
afterAll(async () => {
  delete process.env.NODE_EXTRA_CA_CERTS;
  await at.remove();
  receiver.closeAllConnections();
  receiver.close();
  rmSync(certificates, { recursive: true, force: true });
});

async function until<T>(what: string, look: () => Promise<T | false> | T | false): Promise<T> {
  for (let attempt = 0; attempt < 600; attempt += 1) {
    const found = await look();
    if (found !== false) return found;
    await sleep(100);
  }
  throw new Error(`${what} never came: ${JSON.stringify(got.slice(-5))}\n${(await at.log()).slice(-2000)}`);
}

const typesOf = (run: string) => got.filter((one) => one.run === run && one.type.startsWith('run.')).map(({ type }) => type);
const heard = (run: string, type: string) => got.find((one) => one.run === run && one.type === type) ?? false;
const promote = (run: string, snapshot: string) => [
  'promote',
  'orders',
  '--from',
  'RAW',
  '--to',
  'GDP',
  '--snapshot',
  snapshot,
  '--run-id',
  run,
];
const ops = async () => (await at.json<Lanes>(['event', 'lanes', '--lane', 'webhook'])).items.find(({ consumer }) => consumer === 'ops');
const alerts = (tenant = 'default') => at.json<Alerts>(['alert', 'ls', '--tenant', tenant, '--all']);

describe('a webhook', () => {
  it('goes over TLS to a receiver that the machine trusts, signed, in order of the run', async () => {
    await at.json(promote('first', await goodSnapshot(at, '1,10')));
    await until('the end of the run', () => heard('first', 'run.completed'));
    expect(typesOf('first')).toEqual(['run.started', 'run.completed']);
  });

  it('comes again under the same id when govd was killed after it was sent and before that was marked', async () => {
    const held: ServerResponse[] = [];
    answer = (_, response) => void held.push(response);
    await at.json(promote('second', await goodSnapshot(at, '2,20')));
    const sent = await until('the first attempt', () => heard('second', 'run.started'));
    await at.stop('SIGKILL');
    for (const response of held) response.destroy();
    answer = take;
    await at.start();
    await until('the end of the run', () => heard('second', 'run.completed'));
    const again = got.filter(({ id }) => id === sent.id);
    expect(again.length).toBeGreaterThan(1);
    expect(again.map(({ data }) => data)).toEqual(again.map(() => sent.data));
    // Nothing else came twice, and nothing was skipped.
    expect([...new Set(typesOf('second'))]).toEqual(['run.started', 'run.completed']);
  });

  it('that was refused is a dead letter until it is redriven, which is on record; who was told of the alert is told of its end', async () => {
    answer = ({ type }, response) => void response.writeHead(type === 'run.failed' ? 410 : 204).end();
    const bad = await snapshotOf(at, '3,30');
    await importQuality(at, bad, junit({ failed: 'unique_orders_id' }));
    await at.json(promote('third', bad), 3);
    const refused = await until('the refused event', () => heard('third', 'run.failed'));
    await until('the dead letter', async () => (await ops())?.dead === 1);

    const firing = await until('the notice', () => got.find(({ type }) => type === 'alert.firing') ?? false);
    expect(firing.data).toMatchObject({ alert_key: 'run.failed/orders/GDP', severity: 'high', run_id: 'third' });
    await until('that both sinks were told', async () => {
      const { items } = await alerts();
      return items.some(({ alert_key, told }) => alert_key === 'run.failed/orders/GDP' && told.length === 2);
    });

    expect((await at.govctl(['event', 'redrive', '--id', '999999.0'])).code).toBe(11);
    answer = take;
    const redriven = await at.json<{ events: number; evidence_ref: string }>([
      'event',
      'redrive',
      '--lane',
      'webhook',
      '--all',
      '--reason',
      'the receiver was mended',
    ]);
    expect(redriven).toMatchObject({ events: 1, evidence_ref: expect.stringMatching(/^sha256:/) });
    const again = await until('the event again', () => {
      const all = got.filter(({ id }) => id === refused.id);
      return all.length > 1 && all;
    });
    expect(again.map(({ data }) => data)).toEqual([refused.data, refused.data]);
    await until('that nothing is dead any more', async () => (await ops())?.dead === 0);

    await at.json(promote('fourth', await goodSnapshot(at, '4,40')));
    const resolved = await until('the end of the alert', () => got.find(({ type }) => type === 'alert.resolved') ?? false);
    expect(resolved.data).toMatchObject({ alert_key: 'run.failed/orders/GDP', why: 'a run of the same target succeeded' });
    await at.json(['log', 'verify']);
  });
});

/** What a process holds at most, so far, in MiB. */
const peakMiB = (pid: number | undefined) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;

it.skipIf(storeKind === 'postgres')(
  'a hundred thousand failures at once are a thousand alerts and some numbers, in a bounded memory; others are served meanwhile',
  async () => {
    answer = take;
    await at.stop();
    const child = await at.start();
    await at.json(promote('before-flood', await goodSnapshot(at, '5,50')));
    const before = peakMiB(child.pid);
    const [datasets, rows, perRow] = [4_000, 1_000, 100];
    const database = new Database(join(at.state, 'govd.db'));
    const insert = database.prepare('INSERT INTO outbox (committed_at, event_count, events) VALUES (?, ?, ?)');
    const time = new Date().toISOString();
    const event = (n: number) => ({
      type: 'run.failed',
      subject: `run/flood-${n}`,
      time,
      tenant_id: 'flood',
      dataset_id: `set-${n % datasets}`,
      layer: 'GDP',
      run_id: `flood-${n}`,
      environment: 'local_parity',
      data: { status: 'failed', reason: 'the disk of the warehouse is full', trace_id: '0af7651916cd43dd8448eb211c80319c' },
    });
    database.transaction(() => {
      for (let row = 0; row < rows; row += 1)
        insert.run(time, perRow, JSON.stringify(Array.from({ length: perRow }, (_, n) => event(row * perRow + n))));
    })();
    database.close();
    await at.json(promote('amid-flood', await goodSnapshot(at, '6,60')));
    await until('the end of the flood', async () => {
      const { items } = await at.json<Lanes>(['event', 'lanes']);
      return items.every(({ behind }) => behind === 0);
    });
    const { items, overflow, sent_last_hour, per_hour } = await alerts('flood');
    expect(items).toHaveLength(1001);
    expect(items.find(({ alert_key }) => alert_key === 'alerts.overflow')?.state).toBe('firing');
    const flood = items.filter(({ alert_key }) => alert_key !== 'alerts.overflow');
    // None of them is forgotten: each is an occurrence of an alert, or counted because there was no room for one.
    expect(flood.reduce((sum, { occurrences }) => sum + occurrences, 0) + overflow).toBe(rows * perRow);
    expect(sent_last_hour).toBeLessThanOrEqual(per_hour);
    expect(got.filter(({ type, data }) => type === 'alert.firing' && data.tenant_id === 'flood').length).toBeLessThanOrEqual(per_hour);
    expect(peakMiB(child.pid) - before).toBeLessThan(256);
  },
  240_000,
);

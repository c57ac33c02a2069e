import { type ChildProcess, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { type RequestOptions, request } from 'node:https';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { loadTrust, verifyEvidence } from '@govctl/core/evidence';
import { Client } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessProxy } from './access-proxy.ts';
import { type Deployment, deploy, deployHost, type HttpAnswer } from './harness.ts';
import { goodSnapshot, govern } from './orders.ts';

type Resolution = { readonly url: string; readonly dig: string; readonly len: number; readonly jti: string };

let at: Deployment;
/** Another host of the same deployment, where the store is one that hosts share; else the same daemon again. */
let other: Deployment;
let ref = '';
/** A record of several hundred kilobytes. */
let large = '';

/** Everything a secret was ever part of in this file: it must be nowhere afterwards. */
const secrets = new Map<string, string>();
const said: string[] = [];

beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at);
  const snapshot = await goodSnapshot(at, '1,10');
  await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', 'first', '--wait']);
  ref = String((await at.json(['decision', 'get', 'first'])).decision_ref);
  const datasets = Array.from({ length: 12_000 }, (_, index) => `dataset-${index}-${'x'.repeat(24)}`);
  const issued = await at.http('POST', '/v1/keys/api', {
    actor_id: 'SYSTEM::wide',
    grants: [{ actions: ['snapshot.read'], tenants: ['default'], datasets }],
  });
  const key = JSON.parse(issued.body) as { evidence_ref: string; secret: string };
  large = key.evidence_ref;
  plant('secret of a key', key.secret);
  plant('operator key', (await readFile(join(at.state, 'keys', 'operator.apikey'), 'utf8')).trim());
  other = at;
  if (at.postgres !== undefined) {
    other = await deployHost(at);
    await other.start();
  }
});
afterAll(async () => {
  if (other !== at) await other?.remove();
  await at?.remove();
});

function plant(what: string, secret: string): void {
  // The part that nobody can guess: what follows the id of a key, or the claims of a capability.
  const part = /^govk_[a-z0-9]{12}_(.+)$/.exec(secret)?.[1] ?? secret.split('.').at(-1) ?? secret;
  if (part.length < 40) throw new Error(`${what} is too short to be looked for`);
  secrets.set(what, part);
}
async function resolved(of = ref, from = at): Promise<Resolution & { readonly path: string }> {
  const resolution = JSON.parse((await from.http('POST', `/v1/evidence/refs/${of}/resolve`, {})).body) as Resolution;
  plant(`capability ${resolution.jti}`, resolution.url);
  return { ...resolution, path: `/v1/evidence/fetch${new URL(resolution.url).search}` };
}
async function get(
  host: Deployment,
  path: string,
  headers: Record<string, string> = {},
  method: 'GET' | 'HEAD' = 'GET',
): Promise<HttpAnswer> {
  const client = new Client('http://govd', { socketPath: host.socket });
  try {
    const answer = await client.request({ method, path, headers });
    const body = await answer.body.text();
    if (answer.statusCode >= 400) said.push(body, JSON.stringify(answer.headers));
    return { status: answer.statusCode, headers: answer.headers, body };
  } finally {
    await client.destroy();
  }
}

describe('two first GETs at once', () => {
  it('one of them gets the record, whichever hosts they reach', async () => {
    for (let round = 0; round < 8; round += 1) {
      const { path } = await resolved(ref, round % 2 === 0 ? at : other);
      const answers = await Promise.all([at, other].map((host) => get(host, path)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 410]);
    }
  });

  it('what one host began another continues; what one revokes is over at the other', async () => {
    const one = await resolved();
    const first = await get(at, one.path, { range: 'bytes=0-99' });
    const second = await get(other, one.path, { range: 'bytes=100-', 'if-range': `"${one.dig}"` });
    expect([first.status, second.status, Buffer.byteLength(first.body + second.body)]).toEqual([206, 206, one.len]);
    await at.json(['evidence', 'revoke', '--jti', one.jti, '--reason', 'enough of it']);
    expect((await get(other, one.path, { range: 'bytes=100-', 'if-range': `"${one.dig}"` })).status).toBe(403);
    expect((await at.govctl(['evidence', 'revoke', '--jti', one.jti, '--reason', 'once more'])).code).toBe(11);
  });

  it('a record of several pieces comes whole and in parts, and verifies', async () => {
    const one = await resolved(large);
    const begun = await get(at, one.path, { range: 'bytes=0-299999' });
    const rest = await get(other, one.path, { range: 'bytes=300000-', 'if-range': `"${one.dig}"` });
    const trust = loadTrust(JSON.parse(await readFile(join(at.state, 'trust.json'), 'utf8')));
    expect(verifyEvidence(JSON.parse(begun.body + rest.body), trust, { ref: large })).toMatchObject({ verified: true });
  });
});

describe('govctl evidence get', () => {
  it('continues by itself when the connection breaks, and writes what verifies', async () => {
    const proxy = await accessProxy(join(at.folder, 'proxy.sock'), at.socket);
    const env = { GOVCTL_CONFIG: '', GOVCTL_SOCKET: proxy.socket, GOVCTL_API_KEY_FILE: join(at.state, 'keys', 'operator.apikey') };
    const trust = ['--trust', join(at.state, 'trust.json')];
    try {
      // The first answer is lost whole, the second before its end, the third in the middle of it.
      for (const [name, of, cuts] of [
        ['large', large, [0, 150, 200_000]],
        ['small', ref, [0, 700]],
      ] as const) {
        proxy.cut(cuts);
        const before = proxy.cuts;
        const file = join(at.folder, `${name}.json`);
        const ended = await at.govctl(['evidence', 'get', of, '-O', file, ...trust], { env });
        expect([ended.code, proxy.cuts - before]).toEqual([0, cuts.length]);
        expect(ended.stderr).toContain('asking for the rest');
        expect((await at.govctl(['evidence', 'verify', file, '--ref', of])).code).toBe(0);
      }
      proxy.cut([0, 0, 0, 0, 0, 0, 0, 0]);
      const ended = await at.govctl(['evidence', 'get', ref, '-O', join(at.folder, 'never.json'), ...trust], { env });
      expect(ended).toMatchObject({ code: 5, stdout: '' });
      expect(await readdir(at.folder)).not.toContain('never.json');
      said.push(ended.stderr);
    } finally {
      await proxy.close();
    }
  });

  it('ends in words when nothing is asked of it or too much', async () => {
    for (const argv of [
      ['evidence', 'revoke', '--reason', 'no target'],
      ['evidence', 'revoke', '--jti', 'a', '--ref', 'b', '--reason', 'two'],
    ]) {
      const ended = await at.govctl(argv);
      expect([ended.code, ended.stdout]).toEqual([2, '']);
      expect(ended.stderr).toContain('--jti, --actor');
    }
  });
});

it('a daemon on a socket alone serves its URLs over loopback, and nothing else', async () => {
  const own = await deploy({ kind: 'sqlite' });
  try {
    const config = join(own.state, 'govd.yaml');
    await writeFile(config, `${await readFile(config, 'utf8')}listeners: { fetch: { port: 0 } }\n`);
    await own.start();
    await own.json(['apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'snapshot.read']);
    const [{ ref: first = '' } = {}] = (await own.json<{ items: { ref: string }[] }>(['evidence', 'ls'])).items;
    const url = (await own.govctl(['evidence', 'get', first, '--url'])).stdout.trim();
    plant('capability over loopback', url);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1\/evidence\/fetch\?cap=/);
    const { origin } = new URL(url);
    const nothing = new Set<string>();
    for (const path of ['/', '/healthz', '/metrics', '/v1/openapi.json', '/v1/keys', '/v1/evidence', '/v1/log/checkpoint', '/v1/nothing']) {
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS']) {
        const answer = await fetch(`${origin}${path}`, { method });
        expect([path, method, answer.status]).toEqual([path, method, 404]);
        if (method === 'GET') nothing.add((await answer.text()).replace(/"request_id":"[0-9a-f]+"/, ''));
      }
    }
    // The same words for everything: nobody learns what there could be.
    expect([...nothing]).toHaveLength(1);
    for (const headers of [
      { origin: 'https://mallory.example' },
      { host: 'mallory.example' },
      { host: '127.0.0.1.mallory.example' },
    ] as Record<string, string>[]) {
      const client = new Client(origin);
      const answer = await client.request({ method: 'GET', path: url.slice(origin.length), headers });
      expect([JSON.stringify(headers), answer.statusCode]).toEqual([JSON.stringify(headers), 400]);
      await answer.body.text();
      await client.destroy();
    }
    expect((await fetch(url, { method: 'POST' })).status).toBe(404);
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('content-disposition')?.startsWith('attachment')]).toEqual([200, true]);
    expect(JSON.parse(await answer.text())).toMatchObject({ kind: 'Evidence', ref: first });
    // What the program itself does goes over its socket, and works the same.
    expect((await own.govctl(['evidence', 'get', first, '-O', '-'])).code).toBe(0);
    expectClean('the log of a daemon with a loopback listener', await own.log());
  } finally {
    await own.remove();
  }
});

describe('a daemon with TLS and an authority for clients', () => {
  let own: Deployment;
  let child: ChildProcess;
  let ref: string;
  const file = (name: string) => join(own.folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: own.folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  function authority(name: string): void {
    openssl('req', '-x509', ...key, '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`, '-subj', `/CN=${name}`);
  }
  function certificate(name: string, by: string): void {
    openssl(
      'req',
      ...key,
      '-keyout',
      `${name}.key`,
      '-out',
      `${name}.csr`,
      '-subj',
      `/CN=${name}`,
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    );
    const signed = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial', '-days', '2', '-copy_extensions', 'copy'];
    openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, ...signed);
  }

  beforeAll(async () => {
    own = await deploy();
    authority('ours');
    authority('theirs');
    for (const name of ['govd', 'renewed', 'auditor', 'visitor']) certificate(name, 'ours');
    certificate('stranger', 'theirs');
    await cp(file('govd.pem'), file('state.pem'));
    await cp(file('govd.key'), file('state.key'));
    const tls = `{ cert_file: ${file('state.pem')}, key_file: ${file('state.key')}, client_ca_file: ${file('ours.pem')} }`;
    const config = join(own.state, 'govd.yaml');
    await writeFile(config, `${await readFile(config, 'utf8')}listeners: { fetch: { port: 0, tls: ${tls} } }\n`);
    child = await own.start();
    await own.json(['apikey', 'add', '--actor', 'SYSTEM::etl', '--action', 'snapshot.read']);
    ref = (await own.json<{ items: { ref: string }[] }>(['evidence', 'ls'])).items[0]?.ref ?? '';
  });
  afterAll(async () => await own.remove());

  const urlFor = async (...more: string[]) => (await own.govctl(['evidence', 'get', ref, '--url', ...more])).stdout.trim();

  /** Status and body of a GET, or why there was no answer; the serial number of the certificate that was shown. */
  function opened(url: string, holder?: string, options: RequestOptions = {}) {
    return new Promise<{ status?: number; body?: string; failed?: string; serial?: string }>((resolve) => {
      const mine = holder === undefined ? {} : { cert: readFileSync(file(`${holder}.pem`)), key: readFileSync(file(`${holder}.key`)) };
      const outgoing = request(url, { agent: false, ca: readFileSync(file('ours.pem')), ...mine, ...options }, (response) => {
        const { serialNumber: serial } = (response.socket as TLSSocket).getPeerCertificate();
        response.toArray().then(
          (parts: Buffer[]) => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8'), serial }),
          (error: Error) => resolve({ failed: error.message }),
        );
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => resolve({ failed: error.code ?? error.message }));
      outgoing.end();
    });
  }

  it('a bound URL opens for the holder of its certificate, and stays usable after everybody else was refused', async () => {
    const url = await urlFor('--certificate', file('auditor.pem'));
    plant('bound capability', url);
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/v1\/evidence\/fetch\?cap=/);
    expect(await opened(url, 'visitor')).toMatchObject({
      status: 403,
      body: expect.stringContaining('bound to another client certificate'),
    });
    expect((await opened(url)).failed).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/);
    expect((await opened(url, 'stranger')).failed).toMatch(/UNKNOWN_CA|ECONNRESET/);
    expect((await opened(url, 'auditor', { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).failed).toBeDefined();
    await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
    // Over the socket nobody shows a certificate.
    expect((await own.http('GET', new URL(url).pathname + new URL(url).search)).status).toBe(403);
    const answer = await opened(url, 'auditor');
    expect([answer.status, JSON.parse(answer.body ?? '')]).toMatchObject([200, { kind: 'Evidence', ref }]);
    expect((await opened(url, 'auditor')).status).toBe(410);
    // Each refusal of somebody who came with a URL of ours is counted and on record; who was refused in the handshake never got so far.
    const refusals = /access_total\{outcome="wrong-holder"\} 2$/m;
    expect((await own.http('GET', '/metrics')).body).toMatch(refusals);
    const { items } = await own.json<{ items: unknown[] }>(['evidence', 'ls', '--kind', 'ref-resolution']);
    // One that allows, two of another holder, one of a second use.
    expect(items).toHaveLength(4);
    expectClean('the log of a daemon with TLS', await own.log());
  });

  it('a URL that is bound to nobody opens for whoever has a certificate of the authority', async () => {
    const url = await urlFor();
    plant('capability over TLS', url);
    expect((await opened(url)).failed).toBeDefined();
    expect((await opened(url, 'visitor')).status).toBe(200);
    const unnamed = await own.govctl(['evidence', 'get', ref, '--certificate', file('auditor.pem')]);
    expect([unnamed.code, unnamed.stderr]).toEqual([2, expect.stringContaining('--url --certificate')]);
    const noCertificate = await own.govctl(['evidence', 'get', ref, '--url', '--certificate', file('auditor.key')]);
    expect([noCertificate.code, noCertificate.stdout]).toEqual([2, '']);
  });

  it('shows a renewed certificate after SIGHUP, and keeps the old one where the new one cannot be used', async () => {
    const shown = async () => (await opened(await urlFor(), 'auditor')).serial;
    const before = await shown();
    const said = async (text: string, times: number) =>
      await expect.poll(async () => (await own.log()).split(text).length - 1, { timeout: 60_000 }).toBe(times);
    await cp(file('renewed.pem'), file('state.pem'));
    child.kill('SIGHUP');
    await said('the old one stays', 1);
    expect(await shown()).toBe(before);
    await cp(file('renewed.key'), file('state.key'));
    await chmod(file('state.key'), 0o644);
    child.kill('SIGHUP');
    await said('the old one stays', 2);
    expect(await shown()).toBe(before);
    await chmod(file('state.key'), 0o600);
    child.kill('SIGHUP');
    await said('the TLS certificate was read again', 1);
    expect(await shown()).not.toBe(before);
  });
});

function expectClean(sink: string, text: string): void {
  for (const [what, secret] of secrets) {
    if (text.includes(secret) || text.includes(Buffer.from(secret).toString('base64').replace(/=+$/, '')))
      throw new Error(`${sink} has a ${what}`);
  }
}

/** What a query shows of a row, bytes too. */
function textOf(rows: readonly Record<string, unknown>[]): string {
  return rows
    .flatMap((row) => Object.values(row))
    .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : String(value)))
    .join('\n');
}

async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

it('no secret is in any sink: log, errors, metrics, events, tables, records, files, backups', async () => {
  // Whatever can go wrong with a capability or a key goes wrong once more.
  const [used, unused, gone] = [await resolved(), await resolved(), await resolved()];
  await get(at, used.path);
  await get(at, used.path);
  await get(at, gone.path, {}, 'HEAD');
  await at.json(['evidence', 'revoke', '--jti', gone.jti, '--reason', 'a canary']);
  const cap = unused.path.split('cap=')[1] ?? '';
  const wrong = [
    gone.path,
    `${unused.path}&x=1`,
    `${unused.path.slice(0, -2)}AA`,
    `/v1/${cap}`,
    `/v1/evidence/fetch/${cap}`,
    `/healthz?cap=${cap}`,
  ];
  for (const path of wrong) await get(at, path);
  await get(at, '/v1/evidence', { authorization: `Bearer ${cap}` });
  await get(at, '/v1/evidence', {
    authorization: `Basic ${cap}`,
    cookie: `cap=${cap}`,
    referer: unused.url,
    'user-agent': cap,
    traceparent: cap,
  });
  await get(at, unused.path, { range: 'bytes=0-1,3-4' });
  await get(at, unused.path, { origin: 'https://mallory.example' });
  said.push((await at.govctl(['evidence', 'get', unused.url])).stderr);
  const printed = await at.govctl(['evidence', 'get', ref, '--url']);
  plant('capability that was printed', printed.stdout.trim());
  const salt = /"salt":"([0-9a-f]{32})"/.exec(
    Buffer.from(JSON.parse((await get(at, (await resolved()).path)).body).envelope.payload as string, 'base64').toString(),
  )?.[1];
  expect(salt).toBeDefined();
  expect(secrets.size).toBeGreaterThan(15);

  const logs = `${await at.log()}${await other.log()}`;
  expect(logs).toContain(used.jti);
  expectClean('the log', logs);
  expect(logs).not.toContain(salt);
  // What the caller sent comes back to the caller in no error. (The CLI was given a URL as a ref: it may say so to whoever typed it.)
  expectClean('an error', said.slice(0, -1).join('\n'));
  expectClean('the metrics', (await get(at, '/metrics')).body);
  const [recorded] = await at.rows<{ n: number | string }>('govd', "SELECT count(*) AS n FROM record WHERE kind = 'ref-resolution'");
  const tail = () => at.govctl(['event', 'tail', '--from', '1', '-o', 'ndjson']);
  const outcomesOf = ({ stdout }: { stdout: string }) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; data: Record<string, unknown> })
      .flatMap(({ type, data }) => (type === 'evidence.ref.resolved' ? [data.outcome] : []));
  let events = await tail();
  // Each that is on record, of both kinds; they get their positions after the commit.
  for (let look = 0; look < 100 && outcomesOf(events).length < Number(recorded?.n); look += 1) events = await tail();
  expect(outcomesOf(events).length).toBe(Number(recorded?.n));
  expect(new Set(outcomesOf(events))).toEqual(new Set(['allow', 'deny']));
  expectClean('the events', events.stdout);
  for (const database of ['govd', 'births'] as const) {
    for (const table of await at.tables(database)) expectClean(`table ${table}`, textOf(await at.rows(database, `SELECT * FROM ${table}`)));
  }
  expect(textOf(await at.rows('govd', 'SELECT * FROM capability'))).toContain(used.jti);

  // Files as they lie there, and a copy of them: what is in no row any more may still be in a page.
  const backup = join(at.folder, 'copy-of-state');
  await at.stop();
  await cp(at.state, backup, { recursive: true });
  const ownKey = (file: string) => file.endsWith('operator.apikey');
  for (const file of [...(await filesUnder(at.state)), ...(await filesUnder(backup))].filter((file) => !ownKey(file)))
    expectClean(file, (await readFile(file)).toString('latin1'));
});

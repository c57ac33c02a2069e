import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { mayConnect } from './address.ts';
import { type Poster, type PosterOptions, poster } from './post.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function receiver(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function posting(more: Partial<PosterOptions> = {}): Poster {
  const made = poster({ allowHosts: ['127.0.0.1', 'hooks.example'], allowLoopback: true, timeoutMs: 500, ...more });
  closing.push(() => made.close());
  return made;
}

const signal = new AbortController().signal;

describe('addresses', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '198.18.0.1',
    '::1',
    '::',
    '::ffff:10.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::a00:1',
    'fe80::1',
    'fd00::1',
    'ff02::1',
    '2001::1',
    '2002:a00:1::',
    '2001:db8::1',
    '0177.0.0.1',
    '2130706433',
    'localhost',
    '',
  ])('%s is not connected to', (address) => {
    expect(mayConnect(address, false)).toBe(false);
  });

  it('networks of one’s own are where that is allowed, and no others with them', () => {
    for (const address of ['10.1.2.3', '172.31.0.1', '192.168.1.1', 'fd00::1', '8.8.8.8'])
      expect(mayConnect(address, false, true)).toBe(true);
    for (const address of ['127.0.0.1', '::1', '169.254.169.254', '100.64.0.1', 'fe80::1', '::ffff:10.0.0.1', '0.0.0.0'])
      expect(mayConnect(address, false, true)).toBe(false);
  });

  it('public ones are, and loopback where that is allowed', () => {
    for (const address of ['8.8.8.8', '172.32.0.1', '2606:4700::1111']) expect(mayConnect(address, false)).toBe(true);
    for (const address of ['127.0.0.1', '::1']) expect(mayConnect(address, true)).toBe(true);
    for (const address of ['10.0.0.1', '169.254.169.254', '::ffff:10.0.0.1']) expect(mayConnect(address, true)).toBe(false);
  });
});

describe('what is posted', () => {
  it('arrives, and says what was answered', async () => {
    const port = await receiver((request, response) => {
      request.resume().on('end', () => response.writeHead(202, { 'retry-after': '7' }).end('thanks'));
    });
    expect(await posting().post(`http://127.0.0.1:${port}/`, {}, '{}', signal)).toEqual({ status: 202, retry_after_s: 7 });
  });

  it('is not sent where a redirect points', async () => {
    let redirected = 0;
    const elsewhere = await receiver((_request, response) => {
      redirected += 1;
      response.end();
    });
    const port = await receiver((_request, response) => response.writeHead(307, { location: `http://127.0.0.1:${elsewhere}/` }).end());
    expect(await posting().post(`http://127.0.0.1:${port}/`, {}, '{}', signal)).toMatchObject({ status: 307 });
    expect(redirected).toBe(0);
  });

  it('has its time, also when bytes drip; a long answer is not read', async () => {
    const hanging = await receiver(() => undefined);
    await expect(posting().post(`http://127.0.0.1:${hanging}/`, {}, '{}', signal)).rejects.toThrow('no answer within 500 ms');
    const dripping = await receiver((_request, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'), 50);
      closing.push(() => clearInterval(timer));
    });
    await expect(posting().post(`http://127.0.0.1:${dripping}/`, {}, '{}', signal)).rejects.toThrow('no answer within 500 ms');
    const long = await receiver((_request, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    });
    expect(await posting({ timeoutMs: 5000 }).post(`http://127.0.0.1:${long}/`, {}, '{}', signal)).toMatchObject({ status: 200 });
  });

  it('goes to hosts of the configuration only, and over http to loopback only', async () => {
    const port = await receiver((_request, response) => response.end());
    await expect(posting().post(`http://localhost:${port}/`, {}, '{}', signal)).rejects.toThrow('not one of webhooks.allow_hosts');
    const strict = posting({ allowLoopback: false });
    await expect(strict.post(`http://127.0.0.1:${port}/`, {}, '{}', signal)).rejects.toThrow('refused: http');
    await expect(strict.post(`https://127.0.0.1:${port}/`, {}, '{}', signal)).rejects.toThrow('not a public address');
    const away = posting({ resolve: async () => [{ address: '8.8.8.8', family: 4 }] });
    await expect(away.post('http://hooks.example/', {}, '{}', signal)).rejects.toThrow('not on loopback');
  });

  it.each([['10.0.0.7'], ['169.254.169.254'], ['::ffff:127.0.0.1'], ['fd00::1']])('a name at %s is refused', async (address) => {
    const there = posting({
      resolve: async () => [
        { address: '93.184.216.34', family: 4 },
        { address, family: address.includes(':') ? 6 : 4 },
      ],
    });
    await expect(there.post('https://hooks.example/', {}, '{}', signal)).rejects.toThrow(`refused: hooks.example is at ${address}`);
  });

  it('a name that is moved after it was looked at gains nothing: one look a connection, and that address is used', async () => {
    let reached = 0;
    const port = await receiver((_request, response) => {
      reached += 1;
      response.setHeader('connection', 'close');
      response.end();
    });
    const answers = ['127.0.0.1', '10.0.0.7'];
    let looks = 0;
    const rebinding = posting({
      allowLoopback: true,
      resolve: async () => {
        const address = answers[Math.min(looks, 1)] ?? '';
        looks += 1;
        return [{ address, family: 4 }];
      },
    });
    expect(await rebinding.post(`http://hooks.example:${port}/`, {}, '{}', signal)).toMatchObject({ status: 200 });
    expect([looks, reached]).toEqual([1, 1]);
    await expect(rebinding.post(`http://hooks.example:${port}/`, {}, '{}', signal)).rejects.toThrow('10.0.0.7');
    expect([looks, reached]).toEqual([2, 1]);
  });

  it('goes over TLS only to who has a certificate that is trusted, for the name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'govctl-hook-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const file = (name: string) => readFileSync(join(folder, name), 'utf8');
    const certificate = (name: string) => {
      const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`];
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:hooks.example'];
      execFileSync('openssl', ['req', '-x509', '-days', '2', ...made, ...names], { cwd: folder, stdio: 'pipe' });
    };
    for (const name of ['ours', 'other']) certificate(name);
    let reached = 0;
    const server = createTlsServer({ cert: file('ours.pem'), key: file('ours.key') }, (request, response) => {
      reached += 1;
      request.resume().on('end', () => response.writeHead(204).end());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    const { port } = server.address() as AddressInfo;
    const to = (ca: string | undefined, host = 'hooks.example') =>
      posting({
        allowHosts: ['hooks.example', 'hooks.other'],
        timeoutMs: 5000,
        resolve: async () => [{ address: '127.0.0.1', family: 4 }],
        ...(ca === undefined ? {} : { ca: file(ca) }),
      }).post(`https://${host}:${port}/`, {}, '{}', signal);
    expect(await to('ours.pem')).toEqual({ status: 204, retry_after_s: null });
    await expect(to('other.pem')).rejects.toThrow('self-signed certificate');
    await expect(to(undefined)).rejects.toThrow(
      /^its certificate is not trusted on this host: self-signed certificate( in certificate chain)?$/,
    );
    await expect(to('ours.pem', 'hooks.other')).rejects.toThrow('hooks.other');
    expect(reached).toBe(1);
  });
});

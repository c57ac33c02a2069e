import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FaultProxy, startProxy } from './tcp-proxy.ts';

const patient = { timeout: 60_000, interval: 10 };

describe('the proxy that breaks TCP connections', () => {
  let echo: Server;
  let proxy: FaultProxy;
  /** What the server got, of all connections. */
  let got: string;
  const clients: Socket[] = [];
  beforeEach(async () => {
    got = '';
    echo = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        got += chunk;
        socket.write(chunk);
      });
    });
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    proxy = await startProxy({ targetPort: (echo.address() as AddressInfo).port });
  });
  afterEach(async () => {
    for (const socket of clients.splice(0)) socket.destroy();
    await proxy.close();
    echo.close();
  });

  /** A client that says what it heard and how it ended. */
  const client = () => {
    const socket = connect(proxy.port, '127.0.0.1');
    clients.push(socket);
    const state = { heard: '', ended: '', say: (text: string) => void socket.write(text), hangUp: () => void socket.end() };
    socket.on('data', (chunk) => {
      state.heard += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      state.ended = error.code ?? 'error';
    });
    socket.on('close', () => {
      state.ended ||= 'closed';
    });
    return state;
  };
  const hears = (of: { heard: string }, text: string) => expect.poll(() => of.heard, patient).toBe(text);
  const ends = (of: { ended: string }, how: string) => expect.poll(() => of.ended, patient).toBe(how);
  const connected = async () => {
    const one = client();
    one.say('hello ');
    await hears(one, 'hello ');
    return one;
  };

  it('passes both ways, and hands on that a side has ended', async () => {
    const one = await connected();
    one.hangUp();
    await ends(one, 'closed');
    expect(got).toBe('hello ');
  });

  it('is a black hole for old and new connections, and loses nothing when it passes again', async () => {
    const old = await connected();
    proxy.blackhole();
    const young = client();
    old.say('old');
    young.say('young');
    // Bytes that are not forwarded leave no trace to wait for: another proxy shows that there was time enough.
    const other = await startProxy({ targetPort: (echo.address() as AddressInfo).port });
    const witness = connect(other.port, '127.0.0.1').end('witness');
    await expect.poll(() => got, patient).toBe('hello witness');
    expect([old.heard, young.heard, old.ended, young.ended]).toEqual(['hello ', '', '', '']);
    witness.destroy();
    await other.close();
    await proxy.pass();
    await hears(old, 'hello old');
    await hears(young, 'young');
  });

  it('resets every connection, and takes new ones', async () => {
    const both = [await connected(), await connected()];
    proxy.cut();
    for (const one of both) await ends(one, 'ECONNRESET');
    await connected();
  });

  it('refuses new connections and keeps the old, until it passes', async () => {
    const old = await connected();
    proxy.refuse();
    await ends(client(), 'ECONNREFUSED');
    old.say('still');
    await hears(old, 'hello still');
    await proxy.pass();
    await connected();
  });

  it('delays, in order', async () => {
    const one = await connected();
    proxy.delay(50);
    const begin = performance.now();
    for (const digit of '12345') one.say(digit);
    await hears(one, 'hello 12345');
    // Not sooner: there and back. How much later is the machine's affair.
    expect(performance.now() - begin).toBeGreaterThan(95);
  });

  it('cuts after so many bytes, which the server gets and no more', async () => {
    const one = await connected();
    const cut = proxy.cutAfter(7);
    one.say('abc');
    await hears(one, 'hello abc');
    one.say('defghij');
    await cut;
    await ends(one, 'ECONNRESET');
    await expect.poll(() => got, patient).toBe('hello abcdefg');
    await connected();
  });

  it.each([
    ['before', 'hello CO'],
    ['after', 'hello COMMIT'],
    ['answered', 'hello COMMIT'],
  ] as const)('cuts %s a pattern that comes in pieces, once', async (moment, server) => {
    const one = await connected();
    const cut = proxy.cutWhen('COMMIT', moment);
    one.say('CO');
    await hears(one, 'hello CO');
    one.say('MMIT');
    await cut;
    await ends(one, 'ECONNRESET');
    expect(one.heard).toBe('hello CO');
    await expect.poll(() => got, patient).toBe(server);
    const next = client();
    next.say('COMMIT');
    await hears(next, 'COMMIT');
    expect(got).toBe(`${server}COMMIT`);
  });

  it('cuts a pattern only for a client that began with other words', async () => {
    const [one, other] = [client(), client()];
    one.say('I am one ');
    await hears(one, 'I am one ');
    const cut = proxy.cutWhen('COMMIT', 'answered', { greeting: 'one' });
    other.say('I am two COMMIT');
    await hears(other, 'I am two COMMIT');
    one.say('COMMIT');
    await cut;
    await ends(one, 'ECONNRESET');
  });

  it('takes a trap back', async () => {
    const one = await connected();
    void proxy.cutWhen('COMMIT', 'before');
    await proxy.pass();
    one.say('COMMIT');
    await hears(one, 'hello COMMIT');
  });

  it('resets a client whose server is not there', async () => {
    const nowhere = createServer().listen(0, '127.0.0.1');
    await once(nowhere, 'listening');
    const { port: targetPort } = nowhere.address() as AddressInfo;
    nowhere.close();
    await once(nowhere, 'close');
    await proxy.close();
    proxy = await startProxy({ targetPort });
    await ends(client(), 'ECONNRESET');
  });
});

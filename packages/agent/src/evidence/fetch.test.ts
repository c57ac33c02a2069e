import { request } from 'node:http';
import { type Digest, digestOf, parseStatement, verifyEvidence } from '@govctl/core/evidence';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSqlite } from '../db/index.ts';
import { type TestDaemon, testDaemon } from './daemon.fixture.ts';

let at: TestDaemon;
/** A record that is sent in several pieces, and one that is sent in one. */
let large: string;
let small: string;
beforeAll(async () => {
  at = await testDaemon();
  const datasets = Array.from({ length: 12_000 }, (_, index) => `dataset-${index}-${'x'.repeat(24)}`);
  const grants = [{ actions: ['snapshot.read'], tenants: ['default'], datasets }];
  large = String((await at.call('POST', '/v1/keys/api', { body: { actor_id: 'SYSTEM::wide', grants } })).json().evidence_ref);
  small = await aRecord();
  // Whoever edits the file does not ask the triggers.
  inDatabase((handle) => {
    for (const name of ['record_payload_no_update', 'record_payload_disposed']) handle.exec(`DROP TRIGGER ${name}`);
  });
});
afterAll(async () => {
  await at.close();
});

type Resolution = { readonly url: string; readonly dig: Digest; readonly len: number; readonly jti: string };
type Minted = Resolution & { readonly path: string };

async function aRecord(): Promise<string> {
  const grants = [{ actions: ['snapshot.read'], tenants: ['default'], datasets: ['orders'] }];
  return String((await at.call('POST', '/v1/keys/api', { body: { actor_id: 'SYSTEM::etl', grants } })).json().evidence_ref);
}
async function minted(ref: string, key?: string): Promise<Minted> {
  const asked = { body: {}, ...(key === undefined ? {} : { key }) };
  const resolution = (await at.call('POST', `/v1/evidence/refs/${ref}/resolve`, asked)).json() as Resolution;
  return { ...resolution, path: resolution.url.slice('http://govd'.length) };
}
const ask = (path: string, headers: Record<string, string> = {}) => at.call('GET', path, { key: null, headers });
const rest = ({ dig }: Minted, range: string) => ({ range, 'if-range': `"${dig}"` });
const inDatabase = <T>(work: (handle: ReturnType<typeof openSqlite>) => T): T => {
  const handle = openSqlite(at.dir.database);
  try {
    return work(handle);
  } finally {
    handle.close();
  }
};
const denials = () =>
  inDatabase((handle) =>
    (
      handle
        .prepare(
          "SELECT p.payload FROM record r JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE r.kind = 'ref-resolution' ORDER BY r.leaf_index",
        )
        .all() as { payload: Uint8Array }[]
    )
      .map(({ payload }) => {
        const parsed = parseStatement(JSON.parse(Buffer.from(payload).toString()));
        if (!parsed.ok || parsed.statement.kind !== 'ref-resolution') throw new Error('no resolution');
        return parsed.statement.predicate;
      })
      .filter(({ outcome }) => outcome === 'deny'),
  );

/** Reads so many bytes and then breaks the connection, or reads until the other side does. */
function readUntil(path: string, bytes: number): Promise<{ readonly status: number; readonly got: Buffer; readonly whole: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: at.dir.socket, path, agent: false, headers: { host: 'govd' } }, (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size >= bytes) outgoing.destroy();
      });
      response.on('error', () => undefined);
      response.on('close', () => resolve({ status: response.statusCode ?? 0, got: Buffer.concat(chunks), whole: response.complete }));
    });
    outgoing.on('error', (error) => outgoing.destroyed || reject(error));
    outgoing.end();
  });
}

describe('a record longer than one piece', () => {
  it('comes whole, verifies, and once', async () => {
    const one = await minted(large);
    expect(one.len).toBeGreaterThan(400_000);
    const answer = await ask(one.path);
    expect([answer.status, answer.bytes.length, digestOf(answer.bytes)]).toEqual([200, one.len, one.dig]);
    expect(verifyEvidence(answer.json(), at.trust, { ref: large })).toMatchObject({ verified: true });
    expect((await ask(one.path)).status).toBe(410);
  });

  it('is continued where its connection broke', async () => {
    const one = await minted(large);
    const begun = await readUntil(one.path, 1000);
    expect([begun.status, begun.whole]).toEqual([200, false]);
    const got = begun.got.subarray(0, 1000);
    const middle = await ask(one.path, rest(one, 'bytes=1000-299999'));
    expect([middle.status, middle.headers['content-range']]).toEqual([206, `bytes 1000-299999/${one.len}`]);
    const end = await ask(one.path, rest(one, 'bytes=300000-'));
    expect(digestOf(Buffer.concat([got, middle.bytes, end.bytes]))).toBe(one.dig);
  });

  it('that is another in its second half breaks off, and never ends as if it were whole', async () => {
    const one = await minted(large);
    const flip = () =>
      inDatabase((handle) => {
        const { leaf_index, payload } = handle
          .prepare('SELECT r.leaf_index, p.payload FROM record r JOIN record_payload p ON p.leaf_index = r.leaf_index WHERE r.ref = ?')
          .get(large) as { leaf_index: number; payload: Buffer };
        payload[payload.length - 20] = (payload[payload.length - 20] ?? 0) ^ 1;
        handle.prepare('UPDATE record_payload SET payload = ? WHERE leaf_index = ?').run(payload, leaf_index);
      });
    flip();
    try {
      const lines = at.lines.length;
      const answer = await readUntil(one.path, Number.POSITIVE_INFINITY);
      expect([answer.status, answer.whole]).toEqual([200, false]);
      expect(answer.got.length).toBeLessThan(one.len);
      expect(at.lines.slice(lines).join('')).toContain('"outcome":"digest-differs"');
      // The same for a part that is itself unharmed: what it is a part of is not what was promised.
      expect((await ask(one.path, rest(one, 'bytes=0-99'))).json()).toMatchObject({ status: 422, code: 'digest-mismatch' });
    } finally {
      flip();
    }
    expect((await ask((await minted(large)).path)).status).toBe(200);
  });
});

describe('a lease', () => {
  it('begins with the first GET, whatever part that asks for, and goes on with the tag only', async () => {
    const one = await minted(small);
    const first = await ask(one.path, { range: 'bytes=0-99' });
    expect([first.status, first.bytes.length, first.headers['content-range']]).toEqual([206, 100, `bytes 0-99/${one.len}`]);
    for (const headers of [
      {},
      { range: 'bytes=100-' },
      { range: 'bytes=100-', 'if-range': one.dig },
      { range: 'bytes=100-', 'if-range': `W/"${one.dig}"` },
      { range: 'bytes=100-', 'if-range': '"sha256:0"' },
      { 'if-range': `"${one.dig}"` },
      { range: 'items=100-', 'if-range': `"${one.dig}"` },
    ] as Record<string, string>[])
      expect([JSON.stringify(headers), (await ask(one.path, headers)).status]).toEqual([JSON.stringify(headers), 410]);
    const second = await ask(one.path, rest(one, 'bytes=100-'));
    expect(digestOf(Buffer.concat([first.bytes, second.bytes]))).toBe(one.dig);
    // Nothing of the first answer came: the whole is asked for as a part.
    expect(digestOf((await ask(one.path, rest(one, 'bytes=0-'))).bytes)).toBe(one.dig);
  });

  it('is continued 16 times at most', async () => {
    const one = await minted(small);
    const statuses: number[] = [(await ask(one.path)).status];
    for (let asked = 0; asked < 17; asked += 1) statuses.push((await ask(one.path, rest(one, 'bytes=5-'))).status);
    expect(statuses).toEqual([200, ...Array.from({ length: 16 }, () => 206), 410]);
  });

  it('ends with the capability', async () => {
    const one = await minted(small);
    expect((await ask(one.path)).status).toBe(200);
    const real = at.clock.now;
    at.clock.now = () => new Date(Date.parse(real()) + 61_000).toISOString();
    try {
      expect((await ask(one.path, rest(one, 'bytes=5-'))).status).toBe(410);
    } finally {
      at.clock.now = real;
    }
  });

  it('is not begun by a range that cannot be served', async () => {
    const one = await minted(small);
    for (const range of ['bytes=0-1,5-6', 'bytes=9999999-', 'bytes=5-4', 'bytes=-0', 'bytes=x']) {
      const answer = await ask(one.path, { range });
      expect([range, answer.status, answer.headers['content-range'], answer.json().code]).toEqual([
        range,
        416,
        `bytes */${one.len}`,
        'range-not-satisfiable',
      ]);
    }
    expect((await ask(one.path)).status).toBe(200);
  });
});

describe('taking URLs back', () => {
  const revoke = async (body: object, key?: string) =>
    await at.call('POST', '/v1/evidence/revocations', {
      body: { reason: 'posted in a chat', ...body },
      ...(key === undefined ? {} : { key }),
    });

  it('by jti ends one, unused or begun, and leaves the others', async () => {
    const [unused, begun, other] = [await minted(small), await minted(small), await minted(small)];
    expect((await ask(begun.path)).status).toBe(200);
    for (const one of [unused, begun]) expect((await revoke({ jti: one.jti })).json()).toMatchObject({ revoked: 1, jtis: [one.jti] });
    expect((await ask(unused.path)).json()).toMatchObject({ status: 403, detail: 'the capability was revoked' });
    expect((await ask(begun.path, rest(begun, 'bytes=5-'))).status).toBe(403);
    expect((await at.call('HEAD', unused.path, { key: null })).status).toBe(403);
    expect((await ask(other.path)).status).toBe(200);
    expect((await revoke({ jti: unused.jti })).status).toBe(404);
  });

  it('by ref ends all to one record; a new one is made and works', async () => {
    const ref = await aRecord();
    const [one, two, elsewhere] = [await minted(ref), await minted(ref), await minted(small)];
    const said = (await revoke({ ref })).json();
    expect(said).toMatchObject({ by: 'ref', value: ref, revoked: 2 });
    const fact = (await ask((await minted(String(said.evidence_ref))).path)).json() as { envelope: { payload: string } };
    expect(JSON.parse(Buffer.from(fact.envelope.payload, 'base64').toString())).toMatchObject({
      predicate: {
        fact: 'capability.revoke',
        reason: 'posted in a chat',
        detail: { by: 'ref', value: ref, count: 2, jtis: [one.jti, two.jti].toSorted() },
      },
    });
    expect([(await ask(one.path)).status, (await ask(two.path)).status, (await ask(elsewhere.path)).status]).toEqual([403, 403, 200]);
    expect((await ask((await minted(ref)).path)).status).toBe(200);
    expect((await revoke({ ref: `sha256:${'0'.repeat(64)}` })).json()).toMatchObject({ revoked: 0, evidence_ref: null });
  });

  it('by actor ends all of an actor', async () => {
    const key = await at.key('HUMAN::visitor', ['evidence.*'], ['*']);
    const theirs = await minted(small, key);
    const ours = await minted(small);
    expect((await revoke({ actor_id: 'HUMAN::visitor' })).json()).toMatchObject({ revoked: 1, jtis: [theirs.jti] });
    expect([(await ask(theirs.path)).status, (await ask(ours.path)).status]).toEqual([403, 200]);
  });

  it('is for who has the grant, on what the URL opens; the request is closed', async () => {
    const one = await minted(small);
    const reader = await at.key('HUMAN::reader', ['evidence.read'], ['*']);
    const elsewhere = await at.key('HUMAN::elsewhere', ['evidence.revoke'], ['invoices']);
    for (const key of [reader, elsewhere]) expect((await revoke({ jti: one.jti }, key)).status).toBe(403);
    for (const body of [
      {},
      { jti: one.jti, ref: small },
      { jti: 'x' },
      { jti: one.jti, reason: '' },
      { jti: one.jti, extra: 1 },
      { actor_id: 'ROOT::x' },
    ])
      expect([JSON.stringify(body), (await revoke(body)).status]).toEqual([JSON.stringify(body), 400]);
    expect((await ask(one.path)).status).toBe(200);
  });

  it('a list says who holds what, and what became of it, and shows no URL', async () => {
    const [open, used, ended] = [await minted(small), await minted(small), await minted(small)];
    await ask(used.path);
    await revoke({ jti: ended.jti });
    const states = async (query: string) => {
      const text = (await at.call('GET', `/v1/evidence/capabilities${query}`)).bytes.toString();
      for (const { path } of [open, used, ended]) expect(text).not.toContain(path.split('.').at(-1));
      return new Map((JSON.parse(text) as { items: { jti: string; state: string }[] }).items.map(({ jti, state }) => [jti, state]));
    };
    const [now, all] = [await states(''), await states('?all=true')];
    expect([now.get(open.jti), now.get(used.jti), now.get(ended.jti)]).toEqual(['open', 'used', undefined]);
    expect(all.get(ended.jti)).toBe('revoked');
    const stranger = await at.key('HUMAN::stranger', ['evidence.read'], ['invoices']);
    expect((await at.call('GET', '/v1/evidence/capabilities?all=true', { key: stranger })).json().items).toEqual([]);
  });
});

describe('a record that is refused at its URL', () => {
  it('because its payload is gone is said and recorded; its URL was not used', async () => {
    const ref = await aRecord();
    const one = await minted(ref);
    inDatabase((handle) =>
      handle.prepare('DELETE FROM record_payload WHERE leaf_index = (SELECT leaf_index FROM record WHERE ref = ?)').run(ref),
    );
    const before = denials().length;
    expect((await ask(one.path)).json()).toMatchObject({ status: 410, detail: expect.stringContaining('erased') });
    expect(denials().slice(before)).toMatchObject([
      {
        ref,
        jti: one.jti,
        actor: { actor_id: 'HUMAN::operator', authenticated_by: `capability:${one.jti}` },
        reason: expect.stringContaining('erased'),
      },
    ]);
  });

  it('because it is another now is said before a byte of it is sent', async () => {
    const ref = await aRecord();
    const one = await minted(ref);
    inDatabase((handle) =>
      handle
        .prepare(
          "UPDATE record_payload SET payload = CAST(payload || ' ' AS BLOB) WHERE leaf_index = (SELECT leaf_index FROM record WHERE ref = ?)",
        )
        .run(ref),
    );
    expect((await ask(one.path)).json()).toMatchObject({ status: 422, code: 'digest-mismatch' });
  });

  it('is recorded so often a minute, and what nobody signed never is', async () => {
    const key = await at.key('HUMAN::holder', ['evidence.read'], ['*']);
    const one = await minted(small, key);
    await ask(one.path);
    const before = denials().length;
    const statuses: number[] = [];
    for (let asked = 0; asked < 23; asked += 1) statuses.push((await ask(one.path)).status);
    expect(statuses.filter((status) => status === 410)).toHaveLength(20);
    expect(statuses.filter((status) => status === 429)).toHaveLength(3);
    expect(denials().length).toBe(before + 20);
    // Its holder is still told no, on record, when it asks by itself.
    expect((await at.call('POST', `/v1/evidence/refs/${small}/resolve`, { body: {}, key })).status).toBe(200);
    const stranger = `${one.path.slice(0, -4)}AAAA`;
    for (let asked = 0; asked < 5; asked += 1) expect([400, 403]).toContain((await ask(stranger)).status);
    expect(denials().length).toBe(before + 20);
    expect((await ask('/metrics')).bytes.toString()).toMatch(/access_total\{outcome="(untrusted|malformed)"\} [1-9]/);
  });
});

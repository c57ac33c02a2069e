import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { isProblem } from '@govctl/core/api';
import { draftRecord, mintCapability, parseStatement, subjectOf } from '@govctl/core/evidence';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { anyGrant, testActor } from '../http/serve.fixture.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import { accessHandlers } from './access-handler.ts';
import { denialLimit } from './denial-limit.ts';
import { recordWithCover } from './queries.ts';

const mine = 'A'.repeat(43);
const theirs = 'B'.repeat(43);

it('a URL that was asked for with a client certificate opens nothing over any other connection, and stays usable', async () => {
  const test = testJournal();
  try {
    const now = new Date().toISOString();
    const common = { environment: 'prod', service_release_id: 'govd@test', actor: testActor(), salt: 'ab'.repeat(16), previous: null };
    const { actor_id, authenticated_by } = common.actor;
    const draft = draftRecord({
      kind: 'governance-fact',
      subject: [subjectOf('a', `sha256:${'0'.repeat(64)}`)],
      predicate: { ...common, actor: { actor_id, authenticated_by }, fact: 'a.b', subject: 'a', digest: null, reason: null, detail: {} },
      run_id: null,
      tenant_id: 'default',
      dataset_id: null,
      recorded_at: now,
    });
    await test.journal.commit({ label: 'a', changes: [], records: [draft], events: [] });
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const actor = testActor(anyGrant);
    const outcomes: string[] = [];
    const handlers = accessHandlers({
      database: test.database,
      journal: test.journal,
      checkpointOf: () => 'a checkpoint\n',
      authority: { current: async () => actor },
      capability: {
        signer: { kid: 'k', key: privateKey },
        verifiers: [{ kid: 'k', key: publicKey }],
        issuer: 'test',
        public_url: () => 'https://evidence.example',
        bindable: true,
        ttl: () => 60,
      },
      denials: denialLimit(),
      deployment: { environment: 'prod', service_release_id: 'govd@test' },
      randomHex: (bytes) => randomBytes(bytes).toString('hex'),
      now: () => now,
      logger: pino({ level: 'silent' }),
      counted: (outcome) => void outcomes.push(outcome),
    });
    const request = {
      actor,
      request_id: 'r',
      now,
      traceparent: undefined,
      headers: {},
      raw: undefined as never,
      signal: new AbortController().signal,
    };
    const resolved = await handlers['evidence.resolve']({
      ...request,
      params: { ref: draft.ref },
      query: undefined,
      body: {},
      confirmation: mine,
    });
    if (!('url' in resolved)) throw new Error('no URL');
    const cap = resolved.url.split('cap=')[1] ?? '';
    const fetched = (confirmation: string | undefined) =>
      handlers['evidence.fetch']({
        ...request,
        params: undefined,
        query: { cap },
        body: undefined,
        ...(confirmation === undefined ? {} : { confirmation }),
      }).catch((error: unknown) => (isProblem(error) ? error.code : error));
    const [[recorded]] = await test.database.read([recordWithCover({ ref: resolved.resolution_ref })]);
    const statement = parseStatement(JSON.parse(Buffer.from(recorded?.payload ?? '').toString('utf8')));
    expect(statement).toMatchObject({ ok: true, statement: { predicate: { outcome: 'allow', cnf: { 'x5t#S256': mine } } } });
    expect(await fetched(undefined)).toBe('forbidden');
    expect(await fetched(theirs)).toBe('forbidden');
    expect(await fetched(mine)).toMatchObject({ status: 200 });
    // The same URL without its holder: the record says that there is one.
    const { dig, len, jti, ref, resolution_ref: rid } = resolved;
    const aud = 'https://evidence.example/prod';
    const unbound = await mintCapability(
      { iss: 'test', aud, sub: actor.actor_id, ref, dig, len, jti, rid },
      { kid: 'k', key: privateKey },
      new Date(now),
    );
    const stripped = { ...request, params: undefined, query: { cap: unbound.token }, body: undefined };
    await expect(handlers['evidence.fetch'](stripped)).rejects.toMatchObject({ code: 'forbidden' });
    expect(outcomes).toEqual(['resolved', 'wrong-holder', 'wrong-holder', 'served', 'unrecorded']);
  } finally {
    test.close();
  }
});

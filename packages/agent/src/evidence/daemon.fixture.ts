import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, request as send } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, loadTrust, type TrustRoot } from '@govctl/core/evidence';
import { encodeManifest } from '@govctl/core/promotion';
import { pino } from 'pino';
import { type Daemon, startDaemon } from '../compose.ts';
import { initStateDir } from '../state/init.ts';
import { type StateDir, stateDir } from '../state/state-dir.ts';

type Answer = {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
  json(): Record<string, unknown>;
};
type Call = {
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
  readonly key?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
};

export type TestDaemon = {
  readonly dir: StateDir;
  readonly trust: TrustRoot;
  /** Every line the daemon logged. */
  readonly lines: string[];
  /** The clock; a test may set it. */
  clock: { now: () => string };
  call(method: string, path: string, call?: Call): Promise<Answer>;
  /** A snapshot with one file, registered by its content. */
  snapshot(datasetId: string, content: string): Promise<string>;
  /** A policy pack and a contract, so that a snapshot of this dataset with quality results is allowed to GDP. */
  govern(datasetId: string): Promise<void>;
  /** Takes a good snapshot from RAW to GDP; answers the promotion. */
  promote(datasetId: string, runId: string, content?: string): Promise<Record<string, unknown>>;
  /** An API key with one grant; answers the secret. */
  key(actor: string, actions: readonly string[], datasets: readonly string[]): Promise<string>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
};

/** A real daemon in this process, on a state folder of its own. */
export async function testDaemon(): Promise<TestDaemon> {
  const root = join(mkdtempSync(join(tmpdir(), 'govctl-evidence-')), 's');
  const clock = { now: () => new Date().toISOString() };
  await initStateDir({ root, environment: 'local_parity', origin: 'govctl.test/log', operator: 'HUMAN::operator', now: () => clock.now() });
  const dir = stateDir(root);
  const operator = readFileSync(dir.operatorKey, 'utf8').trim();
  const lines: string[] = [];
  let daemon: Daemon | undefined;

  const self: TestDaemon = {
    dir,
    trust: loadTrust(JSON.parse(readFileSync(dir.trust, 'utf8'))),
    lines,
    clock,
    call(method, path, { body, bytes, key = operator, headers = {} } = {}) {
      return new Promise((resolve, reject) => {
        const text = body === undefined ? undefined : JSON.stringify(body);
        const type = text !== undefined ? 'application/json' : bytes !== undefined ? 'application/octet-stream' : undefined;
        const outgoing = send(
          {
            socketPath: dir.socket,
            method,
            path,
            agent: false,
            headers: {
              host: 'govd',
              ...(key === null ? {} : { authorization: `Bearer ${key}` }),
              ...(type === undefined ? {} : { 'content-type': type }),
              ...headers,
            },
          },
          (response) => {
            response.toArray().then((chunks: Buffer[]) => {
              const all = Buffer.concat(chunks);
              resolve({
                status: response.statusCode ?? 0,
                headers: response.headers,
                bytes: all,
                json: () => JSON.parse(all.toString('utf8')) as Record<string, unknown>,
              });
            }, reject);
          },
        );
        outgoing.on('error', reject);
        outgoing.end(text ?? bytes);
      });
    },
    async snapshot(datasetId, content) {
      const sha256 = digestOf(Buffer.from(content));
      const { bytes, snapshot_hash } = encodeManifest({
        dataset_id: datasetId,
        files: [{ path: 'rows.csv', size: Buffer.byteLength(content), sha256: sha256.slice('sha256:'.length) }],
      });
      await expectStatus(self.call('PUT', `/v1/objects/${sha256}`, { bytes: Buffer.from(content) }), 200);
      await expectStatus(self.call('PUT', `/v1/objects/${snapshot_hash}`, { bytes }), 200);
      const created = await expectStatus(
        self.call('POST', '/v1/snapshots', { body: { dataset_id: datasetId, layer: 'RAW', snapshot_hash } }),
        200,
      );
      return String(created.json().snapshot_id);
    },
    async govern(datasetId) {
      await expectStatus(self.call('POST', '/v1/policies/activations', { body: { source: pack } }), 200, 201);
      await expectStatus(self.call('POST', '/v1/contracts', { body: { source: contract(datasetId) } }), 200, 201);
    },
    async promote(datasetId, runId, content = `a,b\n1,${runId}\n`) {
      const snapshot_id = await self.snapshot(datasetId, content);
      const results = Buffer.from(
        `<testsuite name="orders" tests="1" timestamp="${clock.now()}"><testcase classname="orders" name="not_null"/></testsuite>`,
      );
      await expectStatus(self.call('POST', `/v1/snapshots/${snapshot_id}/quality?kind=junit`, { bytes: results }), 200, 201);
      const body = { run_id: runId, dataset_id: datasetId, from_layer: 'RAW', to_layer: 'GDP', snapshot_id };
      return (await expectStatus(self.call('POST', '/v1/promotions', { body }), 200)).json();
    },
    async key(actor, actions, datasets) {
      const issued = await expectStatus(
        self.call('POST', '/v1/keys/api', { body: { actor_id: actor, grants: [{ actions, tenants: ['default'], datasets }] } }),
        200,
        201,
      );
      return String(issued.json().secret);
    },
    async stop() {
      await daemon?.stop();
      daemon = undefined;
    },
    async start() {
      const sink = { write: (line: string) => void lines.push(line) };
      daemon = await startDaemon({ root, version: '0.0.0-test' }, { now: () => clock.now(), logger: pino({ level: 'info' }, sink) });
    },
    async close() {
      await self.stop();
      rmSync(join(root, '..'), { recursive: true, force: true });
    },
  };
  await self.start();
  return self;
}

const pack = `apiVersion: govctl/v1
kind: PolicyPack
name: gdp-default
version: 1.0.0
rules:
  - id: not-empty
    on: [raw_to_gdp]
    severity: deny
    require: snapshot.file_count > 0
    message: an empty snapshot is not promoted
    resolve: { who: whoever makes the data, command: govctl snapshot create DIR }
tests:
  pass: [{ rule: not-empty, input: { snapshot: { file_count: 3 } } }]
  fail: [{ rule: not-empty, input: { snapshot: { file_count: 0 } } }]
`;

const contract = (datasetId: string) => `apiVersion: govctl/v1
kind: Contract
contract_id: ${datasetId}
dataset_id: ${datasetId}
promotion_types: [raw_to_gdp]
policy_packs: [gdp-default]
max_evidence_age: 24h
requires_coverage: false
`;

async function expectStatus(answer: Promise<Answer>, ...wanted: number[]): Promise<Answer> {
  const got = await answer;
  if (!wanted.includes(got.status)) throw new Error(`HTTP ${got.status}: ${got.bytes.toString('utf8')}`);
  return got;
}

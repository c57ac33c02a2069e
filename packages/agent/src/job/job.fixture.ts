import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { govdConfigSchema } from '@govctl/core/config';
import { type Digest, digestOf } from '@govctl/core/evidence';
import type { Actor } from '@govctl/core/identity';
import { readJob, submitJob } from '@govctl/core/job';
import type { Unit } from '@govctl/core/journal';
import { activatePack } from '@govctl/core/policy';
import { encodeManifest } from '@govctl/core/promotion';
import { pino } from 'pino';
import type { Query } from '../db/index.ts';
import { anyGrant, testActor } from '../http/serve.fixture.ts';
import { testJournal } from '../journal/journal.fixture.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import { type ObjectStore, oneChunk } from '../object/index.ts';
import { packStore } from '../policy/pack-store.ts';
import { take } from './claim.ts';
import { jobContext } from './context.ts';
import { type Driven, driveHeld } from './driven.ts';
import type { Attempt, Ended } from './process.ts';
import { lockByKey, openJobs, readStoredJob, type StoredJob } from './queries.ts';
import type { WorkerDependencies } from './worker-port.ts';

/** How a process of a step behaves; a step has one for each attempt, the last of them for all that follow. */
export type Behaviour = (attempt: Attempt) => Promise<Partial<Ended>>;

export type TestJobs = {
  readonly deps: WorkerDependencies;
  readonly actor: Actor;
  /** What happened, in order: `commit <unit>`, `refused <unit>`, `runs <step>`, `ended <step>`, `waits <ms>`. */
  readonly log: string[];
  /** Behaviours by the name of the step. */
  readonly steps: Record<string, Behaviour[]>;
  /** Told before each commit; what it throws is what the journal throws. */
  before: (unit: Unit) => void | Promise<void>;
  /** Told when somebody waits. */
  waits: (ms: number) => void;
  /** The clock, in milliseconds since its beginning; it gains one with each look. */
  readonly time: { ms: number };
  /** What the packs say of results from now on. */
  verdict: 'allow' | 'deny' | 'defer';
  /** Lines of YAML for the job files that are submitted from now on. */
  extra: string;
  submit(run_id: string, ...steps: readonly string[]): Promise<void>;
  /** Takes the job's lock as a worker does, and drives it. */
  drive(run_id: string): Promise<Driven>;
  stored(run_id: string): Promise<StoredJob>;
  rows<T>(sql: string): T[];
  /** Another daemon of the same state folder: what the former one began is lost. */
  restarted(): WorkerDependencies;
  lockOf(workspace: string): Promise<string | null>;
  close(): void;
};

const pack = `apiVersion: govctl/v1
kind: PolicyPack
name: jobs
version: 1.0.0
rules:
  - { id: fine, on: [run_result], severity: deny, require: "environment.service_release_id != 'deny'", message: no, resolve: { who: them, command: govctl run ls } }
  - { id: ready, on: [run_result], severity: defer, require: "environment.service_release_id != 'defer'", message: not yet, resolve: { who: them, command: govctl run ls } }
tests: { pass: [], fail: [] }
`;
const content = Buffer.from('id,total\n1,100\n');

/** The worker's world: a real journal on a real database, real folders; processes, time and refusals are the test's. */
export async function testJobs(): Promise<TestJobs> {
  const started = Date.parse('2026-11-21T03:00:00.000Z');
  const time = { ms: 0 };
  const now = () => new Date(started + time.ms++).toISOString();
  const at = testJournal({ now });
  const runs = mkdtempSync(join(tmpdir(), 'govctl-job-'));
  const objects = objectsInMemory();
  const file = { path: 'orders.csv', size: content.length, sha256: digestOf(content).slice('sha256:'.length) };
  const { bytes, snapshot_hash } = encodeManifest({ dataset_id: 'orders', files: [file] });
  for (const stored of [content, bytes]) await objects.put(digestOf(stored), oneChunk(stored));
  let random = 0;
  const actor = testActor(anyGrant);
  const deployment = { environment: 'local_parity', service_release_id: 'govd-test' };
  const packs = packStore(at.database);
  const jobs = govdConfigSchema.parse({
    apiVersion: 'govctl/v1',
    kind: 'GovdConfig',
    environment: 'local_parity',
    log: { origin: 'govctl.test/log' },
  }).runs.jobs;
  const named: Record<string, number> = {};
  let process = 0;

  const worker = (): WorkerDependencies => {
    process += 1;
    const mine = process;
    // A daemon that is gone does nothing, and nobody hears of it.
    const gone = async () => (mine === process ? undefined : await new Promise<never>(() => {}));
    const base = {
      database: {
        async read<const Q extends readonly Query<unknown>[]>(queries: Q) {
          await gone();
          return await at.database.read(queries);
        },
      },
      journal: {
        async commit(unit: Unit) {
          await gone();
          try {
            await self.before(unit);
          } catch (error) {
            self.log.push(`refused ${unit.label}`);
            throw error;
          }
          const result = await at.journal.commit(unit);
          self.log.push(`${result.ok ? 'commit' : 'lost'} ${unit.label}`);
          return result;
        },
      },
      objects,
      packs,
      deployment,
      environment: () => ({
        name: 'local_parity' as const,
        parity_contract: `sha256:${'0'.repeat(64)}` as const,
        config_digest: null,
        service_release_id: self.verdict,
      }),
      config: jobs,
      ceilings: () => ({}),
      mid_run: { enabled: true, interval_ms: 30_000 },
      authority: { current: async () => actor },
      randomHex: (size: number) => (++random).toString(16).padStart(size * 2, '0'),
      now,
      logger: pino({ level: 'silent' }),
    };
    return {
      ...base,
      runs,
      host: 'here',
      process: `process-${process}`,
      processes: {
        async run(attempt) {
          const step = attempt.command[0] ?? '';
          const behaviours = self.steps[step] ?? [];
          named[step] = (named[step] ?? 0) + 1;
          const behaviour = behaviours[Math.min(named[step], behaviours.length) - 1];
          self.log.push(`runs ${step}`);
          const ended = await behaviour?.(attempt);
          self.log.push(`ended ${step}`);
          const output = Buffer.from(`${step}\n`);
          return { exit_code: 0, signal: null, cut: null, output, output_bytes: output.length, elapsed_ms: 100, left_behind: 0, ...ended };
        },
        endWithCookie: async () => 0,
      },
      async wait(ms, signal) {
        self.log.push(`waits ${ms}`);
        time.ms += ms;
        self.waits(ms);
        // Whoever waits lets others go on.
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
      },
      env: {},
      watch: loopWatch(),
      context: (after) => jobContext(base, after),
      observability: () => 'DEGRADED',
    };
  };

  const self: TestJobs = {
    deps: worker(),
    actor,
    log: [],
    steps: {},
    before() {},
    waits() {},
    time,
    verdict: 'allow',
    extra: '',
    async submit(run_id, ...steps) {
      const source = `${jobSource(run_id, snapshot_hash, steps)}${self.extra}\n`;
      const { job, problems } = readJob(source);
      if (job === undefined) throw new Error(JSON.stringify(problems));
      const asked = { run_id, tenant_id: 'default', file: job, source, job_digest: digestOf(source), request_digest: digestOf(source) };
      const more = { actor, trace_id: 'a'.repeat(32), rerun_of: null, expected_fence: 0 };
      const step = submitJob({ ...asked, ...more }, await self.deps.context(''));
      const result = await at.journal.commit(step.unit);
      if (!result.ok) throw new Error(result.guard);
    },
    async drive(run_id) {
      const [rows] = await at.database.read([openJobs({ now: now(), limit: 100 })]);
      const row = rows.find((one) => one.run_id === run_id);
      const hold = row === undefined ? null : await take(self.deps, row);
      if (hold === null) throw new Error(`the lock of ${run_id} is another's`);
      return driveHeld(self.deps, run_id, hold);
    },
    async stored(run_id) {
      const stored = await readStoredJob(at.database, run_id);
      if (stored === undefined) throw new Error(`no run ${run_id}`);
      return stored;
    },
    rows: <T>(sql: string) => at.handle.prepare(sql).all({}) as T[],
    restarted() {
      return Object.assign(self, { deps: worker() }).deps;
    },
    async lockOf(workspace) {
      const [[lock]] = await at.database.read([lockByKey({ lock_key: `workspace/default/${workspace}` })]);
      return lock?.holder ?? null;
    },
    close() {
      at.close();
      rmSync(runs, { recursive: true, force: true });
    },
  };
  const activation = { actor, ...deployment, at: now(), salt: '0'.repeat(32) };
  const active = activatePack(activation, { name: 'jobs', version: '1.0.0', digest: digestOf(pack), source: pack }, null);
  if (active !== null) await at.journal.commit(active.unit);
  return self;
}

function jobSource(workspace: string, snapshot_hash: Digest, steps: readonly string[]): string {
  return `apiVersion: govctl/v1
kind: Job
workspace: ${workspace}
label_asof: 2026-01-31T00:00:00Z
inputs: [{ name: orders, dataset_id: orders, snapshot_id: snap-orders, snapshot_hash: '${snapshot_hash}' }]
policy_packs: [jobs]
limits: { seconds: 60, cost_units: 100 }
steps:
${steps.map((step) => `  - ${step}`).join('\n')}
`;
}

/** A step whose program is its name: the test says how it behaves. */
export function step(name: string, more = ''): string {
  return `{ name: ${name}, command: [${name}]${more === '' ? '' : `, ${more}`} }`;
}

/** Runs until somebody ends it. */
export const untilEnded: Behaviour = ({ signal }) =>
  new Promise((resolve) => {
    const end = () => resolve({ exit_code: null, signal: 'SIGTERM', cut: String(signal.reason) });
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });

function objectsInMemory(): ObjectStore {
  const stored = new Map<Digest, Buffer>();
  return {
    async put(digest, chunks) {
      const parts: Uint8Array[] = [];
      for await (const chunk of chunks) parts.push(chunk);
      const bytes = Buffer.concat(parts);
      if (digestOf(bytes) !== digest) throw new Error(`not ${digest}`);
      const created = !stored.has(digest);
      stored.set(digest, bytes);
      return { size: bytes.length, created };
    },
    size: async (digest) => stored.get(digest)?.length ?? null,
    async read(digest) {
      const bytes = stored.get(digest);
      return bytes === undefined ? null : Readable.from([bytes]);
    },
    async *list() {
      yield* [...stored.keys()].sort();
    },
    async setAside(digest) {
      stored.delete(digest);
    },
  };
}

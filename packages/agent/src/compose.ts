import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { apiWindow, formatApiWindow, openapiDocument, Problem, type Route, routeList } from '@govctl/core/api';
import type { Facts } from '@govctl/core/decision';
import { signCheckpoint } from '@govctl/core/evidence';
import type { Logger } from 'pino';
import { migrate, migrationState, openSqlite, SqliteReader, sqliteMigrations } from './db/index.ts';
import { logReader } from './evidence/log-reader.ts';
import { createHttpServer, type Handler } from './http/index.ts';
import { apiKeyAuthenticator } from './identity/authenticate.ts';
import { SqliteJournal } from './journal/index.ts';
import { startLoop } from './loop/loop.ts';
import { packStore } from './policy/pack-store.ts';
import { promotionAnswers } from './promotion/answer.ts';
import { type PromotionDependencies, promotionHandlers } from './promotion/handler.ts';
import { requeueDeferred } from './promotion/requeue.ts';
import { loadKeys, signerOf, stateDir, takeInstanceLock } from './state/index.ts';
import { systemHandlers } from './system/handler.ts';
import { createMetrics } from './telemetry/metrics.ts';

export type Settings = {
  readonly root: string;
  readonly environment: string;
  readonly origin: string;
  readonly version: string;
  readonly service_release_id: string;
  readonly config_digest: string | null;
  readonly parity_contract: string;
  readonly socket: string;
  readonly signer_keys: Facts['signer_keys'];
};

/** What the outside world is to the daemon; tests give their own. */
export type Seams = { readonly now: () => string; readonly logger: Logger };

export type Daemon = { readonly socket: string; stop(): Promise<void> };

/**
 * The composition root: the one place that names concrete adapters. Resources are closed in the reverse order they were opened,
 * and a failure half-way closes what was open.
 */
export async function startDaemon(settings: Settings, seams: Seams): Promise<Daemon> {
  await using opened = new AsyncDisposableStack();
  const dir = stateDir(settings.root);
  const { now, logger } = seams;

  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const keys = loadKeys(dir.keys);
  const writer = opened.adopt(openSqlite(dir.database), (handle) => void handle.close());
  migrate(writer, sqliteMigrations, now);
  const reader = opened.adopt(openSqlite(dir.database, 'read'), (handle) => void handle.close());
  const database = new SqliteReader(reader);
  const metrics = createMetrics();

  const logSigner = signerOf(keys, 'log');
  const checkpointOf = (head: { size: number; root: Uint8Array }) => signCheckpoint({ origin: settings.origin, ...head }, logSigner);
  const journal = new SqliteJournal({
    handle: writer,
    signer: signerOf(keys, 'decision'),
    seal: { refusal: () => null, seal: checkpointOf },
    now,
    observer: metrics.journal,
  });
  const log = logReader(database, checkpointOf);
  const packs = packStore(database);
  const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
  const deployment = {
    environment: settings.environment,
    service_release_id: settings.service_release_id,
    config_digest: settings.config_digest,
  };

  const promotion: PromotionDependencies = {
    database,
    journal,
    packs,
    sources: {
      database,
      packs,
      coverage: { factOf: async () => ({ coverage: null, ospa_count: null }) },
      environment: {
        name: settings.environment,
        parity_contract: settings.parity_contract,
        config_digest: settings.config_digest,
        service_release_id: settings.service_release_id,
      },
      signer_keys: settings.signer_keys,
    },
    answers: promotionAnswers(database, log),
    deployment,
    randomHex,
    now,
  };

  const state = migrationState(writer, sqliteMigrations);
  const handlers = {
    ...systemHandlers({
      version: settings.version,
      service_release_id: settings.service_release_id,
      api: apiWindow,
      schema: state.current,
      environment: settings.environment,
      parity_contract: settings.parity_contract,
      registry: metrics.registry,
      readiness: [{ name: 'schema', check: () => ({ ok: state.pending.length === 0, detail: `schema ${state.current}` }) }],
      openapi: () => openapiDocument(routeList, settings.version),
    }),
    ...promotionHandlers(promotion),
  };

  const requeue = startLoop({ name: 'requeue', now, logger, round: async () => ((await requeueDeferred(promotion)) > 0 ? 10 : 500) });
  opened.defer(() => requeue.stop());

  const http = createHttpServer({
    routes: Object.fromEntries(Object.entries(routeList).filter(([name]) => name in handlers)),
    handlers: handlers as unknown as Readonly<Record<string, Handler<Route>>>,
    authenticator: apiKeyAuthenticator(database),
    now,
    logger,
    versionHeader: formatApiWindow(apiWindow),
    observer: metrics.http,
    listeners: new Set(['operator', 'public', 'internal']),
  });
  opened.defer(() => http.close());
  await clearStaleSocket(settings.socket);
  await http.app.listen({ path: settings.socket });
  chmodSync(settings.socket, 0o600);

  const owned = opened.move();
  return { socket: settings.socket, stop: () => owned.disposeAsync() };
}

/** A socket file outlives a killed daemon. It is removed only when nobody answers behind it, and only when it is a socket. */
async function clearStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!statSync(path).isSocket())
    throw new Problem('conflict', { detail: `${path} exists and is not a socket`, hint: 'remove it, or choose another socket path' });
  const answered = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (answered) throw new Problem('locked', { detail: `another daemon answers on ${path}`, hint: 'stop it first' });
  rmSync(path, { force: true });
}

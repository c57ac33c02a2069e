import { chmodSync, existsSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { apiWindow, formatApiWindow, openapiDocument, Problem, type Route, routeList } from '@govctl/core/api';
import { parityContract } from '@govctl/core/environment';
import { durationMs } from '@govctl/core/policy';
import type { Logger } from 'pino';
import { auditHandlers } from './audit/handler.ts';
import { reconcileHandler } from './audit/reconcile.ts';
import { loadConfig, serviceReleaseId } from './config/live-config.ts';
import { reloadConfig } from './config/reload.ts';
import { takeInstanceLock } from './db/index.ts';
import { eventFeed, eventHandlers, startDispatcher } from './event/index.ts';
import { denialLimit } from './evidence/denial-limit.ts';
import type { CheckpointOf } from './evidence/evidence-bytes.ts';
import { deniedResolution, type EvidenceDependencies, evidenceHandlers } from './evidence/handler.ts';
import { logReader } from './evidence/log-reader.ts';
import { refusesToSign } from './evidence/log-seal.ts';
import { openLog } from './evidence/open-log.ts';
import { secondPlacePath } from './evidence/second-place-path.ts';
import { createHttpServer, type Handler } from './http/index.ts';
import { apiKeyAuthenticator } from './identity/authenticate.ts';
import { currentAuthority } from './identity/authority.ts';
import { identityHandlers } from './identity/handler.ts';
import { startLoop } from './loop/loop.ts';
import { recentActivity } from './loop/recent-activity.ts';
import { openFolderStore } from './object/index.ts';
import { contractHandlers } from './policy/contract-handler.ts';
import { gateHandlers } from './policy/gate-handler.ts';
import { policyHandlers } from './policy/handler.ts';
import { packStore } from './policy/pack-store.ts';
import { promotionAnswers } from './promotion/answer.ts';
import { boundaryHandlers } from './promotion/boundary.ts';
import { promotionHandlers } from './promotion/handler.ts';
import type { PromotionDependencies } from './promotion/judge.ts';
import { listHandlers } from './promotion/list.ts';
import { requeueDeferred } from './promotion/requeue.ts';
import { rollbackHandler } from './promotion/rollback.ts';
import { qualityHandlers } from './quality/handler.ts';
import { type SnapshotDependencies, snapshotHandlers } from './snapshot/handler.ts';
import { missingContent } from './snapshot/missing.ts';
import { snapshotVerifier } from './snapshot/reverify.ts';
import { loadKeys, randomHexSource, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';
import { freeSpace } from './system/free-space.ts';
import { systemHandlers } from './system/handler.ts';
import { createMetrics } from './telemetry/metrics.ts';

export type Settings = {
  readonly root: string;
  readonly version: string;
  /** Set for tests; otherwise the configuration says, or `govd.sock` in the state folder. */
  readonly socket?: string;
};

/** What the outside world is to the daemon; tests give their own. */
export type Seams = { readonly now: () => string; readonly logger: Logger };

export type Daemon = {
  readonly socket: string;
  /** Reads the configuration again; a bad one changes nothing. */
  reload(): Promise<void>;
  stop(): Promise<void>;
};

/**
 * The composition root: the one place that names concrete adapters. Resources are closed in the reverse order they were opened,
 * and a failure half-way closes what was open.
 */
export async function startDaemon(settings: Settings, seams: Seams): Promise<Daemon> {
  await using opened = new AsyncDisposableStack();
  const dir = stateDir(settings.root);
  const { logger } = seams;

  const live = loadConfig(dir.config);
  logger.level = process.env.GOVD_LOG ?? live.config.logging.level;
  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const store = opened.adopt(await openStore(dir, live.config, seams), (it) => it.close());
  const { database, now, schema } = store;
  const keys = loadKeys(dir.keys);
  const metrics = createMetrics();
  const randomHex = randomHexSource();

  const origin = live.config.log.origin;
  const opening = await openLog({
    keys,
    trustPath: dir.trust,
    secondPlacePath: secondPlacePath(dir, live.config),
    origin,
    database,
    logger,
  });
  opened.defer(() => opening.place.close());
  const { seal, decisionSigner, trust, capabilityKey } = opening;
  let committedEvents = () => {};
  const journal = await store.openJournal({
    signer: decisionSigner,
    seal,
    continues: opening.continues,
    observer: {
      group(measure) {
        metrics.journal.group(measure);
        if (measure.events > 0) committedEvents();
      },
    },
  });
  const checkpointOf: CheckpointOf = (head) => {
    // The database was replaced under the running daemon: what stands there now is not what was signed before.
    if (journal.distrust !== null) throw refusesToSign(journal.distrust);
    return seal.checkpointOf(head);
  };
  const log = logReader(database, checkpointOf);
  const packs = packStore(database);
  const objects = await openFolderStore(dir.objects, undefined, live.config.store.postgres !== undefined);
  const parity_contract = parityContract();
  const environment = live.config.environment;
  const service_release_id = serviceReleaseId(live.config, settings.version);
  const release = { environment, service_release_id };
  const shared = { database, journal, deployment: release, randomHex, now };

  const recently = recentActivity();
  const handoff = await store.openHandoff({
    ...shared,
    holder: randomHex(8),
    permitKey: keys.capability,
    busy: () => journal.waiting > 0 || recently.active(),
    jitter: Math.random,
    logger,
    registry: metrics.registry,
    committed: () => committedEvents(),
  });
  opened.defer(() => handoff.stop());

  const promotion: PromotionDependencies = {
    ...shared,
    packs,
    hotDatabase: store.hotDatabase,
    sources: {
      packs,
      coverage: handoff.coverage,
      environment: () => ({ name: environment, parity_contract, config_digest: live.digest, service_release_id }),
      signer_keys: () => live.signer_keys,
    },
    answers: promotionAnswers(database, log),
    config_digest: () => live.digest,
    authority: currentAuthority(database),
    decided: (decision) => metrics.decisions.inc({ decision }),
  };
  const snapshot: SnapshotDependencies = { ...shared, objects };
  const feed = eventFeed(database);
  const holder = randomHex(8);
  const dispatcher = startDispatcher({ database, journal, feed, holder, now, logger });
  committedEvents = () => dispatcher.wake();
  opened.defer(() => dispatcher.stop());

  const evidence: EvidenceDependencies = {
    ...shared,
    checkpointOf,
    trust,
    signer: decisionSigner,
    authority: promotion.authority,
    capability: {
      ...capabilityKey,
      issuer: origin,
      // A daemon on a unix socket is reached over that socket whatever the host says.
      public_url: live.config.evidence.public_url ?? 'http://govd',
      ttl: () => Math.round(durationMs(live.config.evidence.capability_ttl) / 1000),
    },
    denials: denialLimit(),
    logger,
  };

  const handlers = {
    ...systemHandlers({
      version: settings.version,
      service_release_id,
      api: apiWindow,
      schema: schema.current,
      environment,
      parity_contract,
      registry: metrics.registry,
      readiness: [
        { name: 'schema', check: () => ({ ok: schema.pending.length === 0, detail: `schema ${schema.current}` }) },
        {
          name: 'evidence-log',
          check: () => ({ ok: seal.refusal() === null, detail: seal.refusal() ?? `${journal.size} leaves, signed by ${origin}` }),
        },
        ...store.readiness,
        { name: 'disk', check: () => freeSpace(dir.root) },
        {
          name: 'journal',
          check: () => ({ ok: journal.distrust === null, detail: journal.distrust ?? 'every commit is durable' }),
        },
      ],
      openapi: () => openapiDocument(routeList, settings.version),
    }),
    ...promotionHandlers(promotion),
    ...listHandlers(database),
    ...rollbackHandler(promotion, snapshotVerifier(snapshot)),
    ...boundaryHandlers({ ...promotion, log, governanceKeys: [decisionSigner.public_key_spki] }),
    ...auditHandlers(shared),
    ...reconcileHandler({
      ...shared,
      sources: {
        missingContent: (snapshotHash) => missingContent(objects, snapshotHash),
        handoff: (at) => handoff.reconcile(at),
        wakeDispatcher: () => dispatcher.wake(),
      },
    }),
    ...snapshotHandlers(snapshot),
    ...policyHandlers(shared),
    ...contractHandlers({ ...shared, signer_keys: () => live.signer_keys }),
    ...qualityHandlers(shared),
    ...gateHandlers(),
    ...handoff.handlers,
    ...eventHandlers({ feed, source: `urn:govctl:${origin}` }),
    ...identityHandlers(shared),
    ...evidenceHandlers(evidence),
  };

  const requeue = startLoop({
    name: 'requeue',
    now,
    logger,
    round: async () => ((await requeueDeferred(promotion, holder)) > 0 ? 10 : 500),
  });
  opened.defer(() => requeue.stop());

  const http = createHttpServer({
    routes: Object.fromEntries(Object.entries(routeList).filter(([name]) => name in handlers)),
    handlers: handlers as unknown as Readonly<Record<string, Handler<Route>>>,
    authenticator: apiKeyAuthenticator(database),
    now,
    logger,
    versionHeader: formatApiWindow(apiWindow),
    observer: {
      request(measure) {
        recently.noticed();
        metrics.http.request(measure);
      },
    },
    onRefusal: deniedResolution(evidence),
    listeners: new Set(['operator', 'public', 'internal']),
  });
  opened.defer(() => http.close(durationMs(live.config.shutdown.drain)));
  const socket = settings.socket ?? live.config.listeners.operator.socket ?? dir.socket;
  await clearStaleSocket(socket);
  await http.app.listen({ path: socket });
  chmodSync(socket, Number.parseInt(live.config.listeners.operator.mode, 8));

  const owned = opened.move();
  return { socket, reload: () => reloadConfig(live, logger, shared), stop: () => owned.disposeAsync() };
}

/** A socket file outlives a killed daemon. It is removed only when nobody answers behind it, and only when it is a socket. */
async function clearStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!statSync(path).isSocket())
    throw new Problem('usage', { detail: `${path} exists and is not a socket`, hint: 'remove it, or choose another socket path' });
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

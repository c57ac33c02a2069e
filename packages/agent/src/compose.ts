import { apiWindow, formatApiWindow, openapiDocument, type Route, routeList } from '@govctl/core/api';
import { parityContract } from '@govctl/core/environment';
import { releaseLeases } from '@govctl/core/lease';
import { durationMs } from '@govctl/core/policy';
import { observabilityMode } from '@govctl/core/run';
import type { Logger } from 'pino';
import { alertHandlers } from './alert/handler.ts';
import { startAudit } from './audit/audit-loop.ts';
import { auditHandlers } from './audit/handler.ts';
import { reconcileHandler } from './audit/reconcile.ts';
import type { ReconcileDependencies } from './audit/reconcile-scope.ts';
import { reportHandlers } from './audit/report-handler.ts';
import { backupHandlers } from './backup/handler.ts';
import { loadConfig, serviceReleaseId } from './config/live-config.ts';
import { reloadConfig } from './config/reload.ts';
import { takeInstanceLock } from './db/index.ts';
import { doctorHandlers } from './doctor/handler.ts';
import { clockWatch, procFiles } from './doctor/process.ts';
import { eventFeed, eventHandlers, startDispatcher } from './event/index.ts';
import { laneHandlers } from './event/lane/handler.ts';
import { denialLimit } from './evidence/denial-limit.ts';
import { dispositionHandlers } from './evidence/disposition-handler.ts';
import type { CheckpointOf } from './evidence/evidence-bytes.ts';
import { type FetchListener, openFetchListener } from './evidence/fetch-listener.ts';
import { readFetchTls } from './evidence/fetch-tls.ts';
import { deniedResolution, type EvidenceDependencies, evidenceHandlers } from './evidence/handler.ts';
import { logReader } from './evidence/log-reader.ts';
import { refusesToSign } from './evidence/log-seal.ts';
import { openLog } from './evidence/open-log.ts';
import { secondPlacePath } from './evidence/second-place-path.ts';
import { createHttpServer, endpointsOf, type Handler, type HttpOptions, listenAt, localHosts, placeOf } from './http/index.ts';
import { apiKeyAuthenticator } from './identity/authenticate.ts';
import { currentAuthority } from './identity/authority.ts';
import { identityHandlers } from './identity/handler.ts';
import { incidentHandlers } from './incident/handler.ts';
import { openJobs } from './job/open.ts';
import { lockHandlers } from './lock/handler.ts';
import { startLoop } from './loop/loop.ts';
import { loopWatch } from './loop/loop-watch.ts';
import { recentActivity } from './loop/recent-activity.ts';
import { openFolderStore } from './object/index.ts';
import { contractHandlers } from './policy/contract-handler.ts';
import { gateHandlers } from './policy/gate-handler.ts';
import { policyHandlers } from './policy/handler.ts';
import { packStore } from './policy/pack-store.ts';
import { waiverHandlers } from './policy/waiver-handler.ts';
import { promotionAnswers } from './promotion/answer.ts';
import { approvalHandlers } from './promotion/approval.ts';
import { boundaryHandlers } from './promotion/boundary.ts';
import { promotionHandlers } from './promotion/handler.ts';
import type { PromotionDependencies } from './promotion/judge.ts';
import { listHandlers } from './promotion/list.ts';
import { pauseHandlers } from './promotion/pause.ts';
import { watchPauses } from './promotion/pause-loop.ts';
import { requeueDeferred } from './promotion/requeue.ts';
import { rollbackHandler } from './promotion/rollback.ts';
import { tracedJournal } from './promotion/traced-journal.ts';
import { undoneSagas } from './promotion/undone.ts';
import { undoneFile } from './promotion/undone-file.ts';
import { qualityHandlers } from './quality/handler.ts';
import { startLanes } from './reactor/lanes.ts';
import { receiptHandlers } from './receipt/handler.ts';
import { type SnapshotDependencies, snapshotHandlers } from './snapshot/handler.ts';
import { missingContent } from './snapshot/missing.ts';
import { snapshotVerifier } from './snapshot/reverify.ts';
import { keyPlace, loadKeys, randomHexSource, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';
import { freeSpace } from './system/free-space.ts';
import { systemHandlers } from './system/handler.ts';
import { askReadiness, type Readiness, type ReadinessCheck } from './system/readiness.ts';
import type { ActivatedSockets } from './systemd/index.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { tenantHandlers } from './tenant/handler.ts';
import { openTraceExport } from './trace/open.ts';
import { startWitnesses } from './witness/witnesses.ts';

export type Settings = {
  readonly root: string;
  readonly version: string;
  /** Sockets that a supervisor opened; without them the configuration says, or `govd.sock` in the state folder. */
  readonly activated?: ActivatedSockets;
};

/** What the outside world is to the daemon; tests give their own. */
export type Seams = {
  readonly now: () => string;
  readonly logger: Logger;
  /** Told before something that may take long while nothing is served yet. */
  readonly starting?: (what: string) => void;
};

export type Daemon = {
  /** Where it listens. */
  readonly places: readonly string[];
  /** What `/readyz` answers. */
  readiness(): Readiness;
  /** Loops whose present round has lasted longer than this. */
  stalled(limitMs: number): readonly string[];
  /** How long requests under way may take when it stops, in milliseconds. */
  drainMs(): number;
  /** Reads the configuration again; a bad one changes nothing. @returns what is left to be said, or nothing */
  reload(): Promise<string>;
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
  const loops = loopWatch();
  const starting = seams.starting ?? (() => {});
  const migrating = (pending: readonly string[]) => starting(`migrating the database: ${pending.join(', ')}`);
  const store = opened.adopt(await openStore(dir, live.config, { ...seams, loops, migrating }), (it) => it.close());
  const { database, now, schema } = store;
  const keys = loadKeys(keyPlace(dir, live.config, process.env.CREDENTIALS_DIRECTORY));
  const metrics = createMetrics();
  const clockJumps = clockWatch(
    () => Date.parse(seams.now()),
    () => performance.now(),
  );
  const randomHex = randomHexSource();

  const origin = live.config.log.origin;
  starting('comparing the evidence log with its second place');
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
  let committedRecords = () => {};
  const journal = await store.openJournal({
    signer: decisionSigner,
    seal,
    continues: opening.continues,
    observer: {
      group(measure) {
        metrics.journal.group(measure);
        if (measure.events > 0) committedEvents();
        if (measure.records > 0) committedRecords();
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
  const tracing = openTraceExport(journal, {
    config: live.config,
    root: dir.root,
    version: settings.version,
    instance: randomHex(8),
    now,
    random: Math.random,
    monotonicMs: () => performance.now(),
    logger,
    registry: metrics.registry,
  });
  opened.defer(() => tracing.stop());
  const shared = { database, journal: tracing.journal, deployment: release, randomHex, now };

  const recently = recentActivity();
  const busy = () => journal.waiting > 0 || recently.active();
  const handoff = await store.openHandoff({
    ...shared,
    holder: randomHex(8),
    permitKey: keys.capability,
    busy,
    jitter: Math.random,
    logger,
    watch: loops,
    registry: metrics.registry,
    committed: () => committedEvents(),
  });
  opened.defer(() => handoff.stop());

  const { log: logConfig } = live.config;
  const witnesses = await startWitnesses({
    ...shared,
    witnesses: logConfig.witnesses,
    quorum: logConfig.quorum,
    heartbeatMs: durationMs(logConfig.heartbeat),
    timeoutMs: durationMs(logConfig.witness_timeout),
    checkpointOf,
    holder: randomHex(8),
    elapsedMs: () => performance.now(),
    logger,
    watch: loops,
    registry: metrics.registry,
  });
  opened.defer(() => witnesses.stop());
  committedRecords = () => witnesses.wake();

  const undone = undoneSagas({ database, journal, file: undoneFile(dir.undone, logger), now, environment, logger });
  const promotion: PromotionDependencies = {
    ...shared,
    journal: tracedJournal({
      ...shared,
      mode: (kind) => observabilityMode(live.config.observability, environment, kind === 'rollback' ? 'rollback' : 'promotion'),
    }),
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
    finalizeMs: durationMs(live.config.audit.run_timeout) + durationMs(live.config.audit.grace),
    authority: currentAuthority(database),
    witnesses,
    undone,
    decided: (decision) => metrics.decisions.inc({ decision }),
  };
  const snapshot: SnapshotDependencies = { ...shared, objects };
  const feed = eventFeed(database);
  const holder = randomHex(8);
  // After both loops have ended, so it is deferred before them. Without it the next daemon waits until the leases expire.
  opened.defer(async () => {
    const unit = { label: 'lease.release', changes: releaseLeases(holder, now()), records: [], events: [] };
    await journal.commit(unit).catch((error: unknown) => logger.warn({ err: error }, 'the leases of the loops could not be given back'));
  });
  const dispatcher = startDispatcher({ database, journal, feed, holder, now, logger, watch: loops });
  committedEvents = () => dispatcher.wake();
  opened.defer(() => dispatcher.stop());
  const source = `urn:govctl:${origin}`;
  const lanes = await startLanes({
    database,
    journal,
    feed,
    config: live.config,
    root: dir.root,
    source,
    version: settings.version,
    holder,
    now,
    random: Math.random,
    monotonicMs: () => performance.now(),
    logger,
    loops,
    registry: metrics.registry,
  });
  opened.defer(() => lanes.stop());

  let publicUrl = live.config.evidence.public_url ?? 'http://govd';
  const evidence: EvidenceDependencies = {
    ...shared,
    checkpointOf,
    witness_quorum: witnesses.quorum,
    trust,
    signer: decisionSigner,
    authority: promotion.authority,
    capability: {
      ...capabilityKey,
      issuer: origin,
      // A daemon on a unix socket is reached over that socket whatever the host says.
      public_url: () => publicUrl,
      bindable: live.config.listeners.fetch?.tls?.client_ca_file !== undefined,
      ttl: () => Math.round(durationMs(live.config.evidence.capability_ttl) / 1000),
    },
    denials: denialLimit(),
    logger,
    counted: (outcome) => metrics.access.inc({ outcome }),
  };

  const reconciling: ReconcileDependencies = {
    ...shared,
    busy,
    witness_quorum: witnesses.quorum,
    sources: {
      missingContent: (snapshotHash) => missingContent(objects, snapshotHash),
      handoff: (at, pace) => handoff.reconcile(at, pace),
      wakeDispatcher: () => dispatcher.wake(),
    },
  };
  const refusals = denialLimit();
  const jobs = await openJobs({
    ...shared,
    objects,
    packs,
    environment: promotion.sources.environment,
    config: live.config.runs.jobs,
    ceilings: () => live.config.runs.jobs.limits,
    mid_run: { enabled: live.config.runs.mid_run.enabled, interval_ms: durationMs(live.config.runs.mid_run.interval) },
    refusals,
    observability: () => observabilityMode(live.config.observability, environment, 'job'),
    authority: promotion.authority,
    logger,
    env: process.env,
    watch: loops,
    log,
    root: dir.root,
  });
  opened.defer(() => jobs.stop());

  const readiness: readonly ReadinessCheck[] = [
    { name: 'schema', check: () => ({ ok: schema.pending.length === 0, detail: `schema ${schema.current}` }) },
    {
      name: 'evidence-log',
      check: () => ({ ok: seal.refusal() === null, detail: seal.refusal() ?? `${journal.size} leaves, signed by ${origin}` }),
    },
    ...(logConfig.witnesses.length === 0 ? [] : [{ name: 'witnesses', check: () => witnesses.readiness() }]),
    ...store.readiness,
    { name: 'disk', check: () => freeSpace(dir.root) },
    {
      name: 'journal',
      check: () => ({ ok: journal.distrust === null, detail: journal.distrust ?? 'every commit is durable' }),
    },
  ];

  const handlers = {
    ...systemHandlers({
      version: settings.version,
      service_release_id,
      api: apiWindow,
      schema: schema.current,
      environment,
      parity_contract,
      registry: metrics.registry,
      readiness,
      openapi: () => openapiDocument(routeList, settings.version),
    }),
    ...promotionHandlers(promotion),
    ...approvalHandlers(promotion),
    ...pauseHandlers({ ...promotion, refusals }),
    ...listHandlers(database),
    ...rollbackHandler(promotion, snapshotVerifier(snapshot)),
    ...boundaryHandlers({ ...promotion, log, governanceKeys: [decisionSigner.public_key_spki] }),
    ...auditHandlers(shared),
    ...lockHandlers(shared),
    ...tenantHandlers(shared),
    ...incidentHandlers(shared),
    ...reconcileHandler(reconciling),
    ...reportHandlers({ database, objects }),
    ...jobs.handlers,
    ...receiptHandlers({
      database,
      answers: promotion.answers,
      job: jobs.described,
      deployment: { ...release, log: origin },
      signer: capabilityKey.signer,
      assist: () => {
        const { remote_assist: place } = live.config.receipt;
        return place === undefined ? undefined : { url: place.url, expiryMs: durationMs(place.expiry) };
      },
    }),
    ...snapshotHandlers(snapshot),
    ...policyHandlers(shared),
    ...contractHandlers({ ...shared, packs, signer_keys: () => live.signer_keys }),
    ...waiverHandlers({ ...shared, packs }),
    ...qualityHandlers(shared),
    ...gateHandlers(),
    ...handoff.handlers,
    ...eventHandlers({ feed, source }),
    ...laneHandlers({ ...shared, wake: () => feed.announce() }),
    ...alertHandlers({ ...shared, settingsOf: lanes.settingsOf }),
    ...identityHandlers(shared),
    ...evidenceHandlers(evidence),
    ...dispositionHandlers({ ...shared, logger, rules: () => live.config.retention.rules }),
    ...doctorHandlers({
      dir,
      live,
      database,
      schema,
      clockJumps,
      proc: procFiles,
      uid: process.geteuid?.(),
      credentials: process.env.CREDENTIALS_DIRECTORY,
    }),
    ...backupHandlers({ ...shared, dir, objects, copy: store.copy, schema: schema.current, origin, checkpointOf, logger }),
  };

  const requeue = startLoop({
    name: 'requeue',
    now,
    logger,
    watch: loops,
    round: async () => ((await requeueDeferred(promotion, holder)) > 0 ? 10 : 500),
  });
  opened.defer(() => requeue.stop());

  const auditing = startAudit({
    ...reconciling,
    objects,
    now,
    reconcileEveryMs: durationMs(live.config.audit.reconcile_every),
    holder,
    checkEveryMs: durationMs(live.config.audit.check_every),
    found: (findings) => metrics.audit.found(findings),
    undone,
    logger,
    watch: loops,
  });
  opened.defer(() => auditing.stop());
  const pauses = startLoop({
    name: 'pause',
    now,
    logger,
    watch: loops,
    round: async () => ((await watchPauses(promotion, jobs.paused, holder)) > 0 ? 10 : 1000),
  });
  opened.defer(() => pauses.stop());

  const allowedHosts = new Set([...localHosts, new URL(publicUrl).hostname]);
  const served: Omit<HttpOptions, 'listeners'> = {
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
    allowedHosts,
  };
  const fetching = live.config.listeners.fetch;
  let fetchListener: FetchListener | undefined;
  if (fetching !== undefined) {
    const { host, port, tls } = fetching;
    const guardedBy = live.config.secrets.provider === 'systemd' ? 'systemd' : 'mode';
    const place = { host, port, ...(tls === undefined ? {} : { tls: () => readFetchTls(tls, dir.root, guardedBy) }) };
    const listener = await openFetchListener(place, served);
    opened.defer(() => listener.http.close(durationMs(live.config.shutdown.drain)));
    publicUrl = live.config.evidence.public_url ?? listener.url;
    fetchListener = listener;
  }
  const endpoints = endpointsOf(live.config.listeners, settings.activated ?? {}, dir.socket);
  const servers = endpoints.map((endpoint) => ({
    endpoint,
    http: createHttpServer({ ...served, listeners: endpoint.serves, elsewhere: endpoint.elsewhere }),
  }));
  opened.defer(async () => {
    await Promise.all(servers.map(({ http }) => http.close(durationMs(live.config.shutdown.drain))));
  });
  for (const { endpoint, http } of servers) await listenAt(http, endpoint);

  const owned = opened.move();
  return {
    places: endpoints.map(placeOf),
    readiness: () => askReadiness(readiness),
    stalled: (limitMs) => loops.stalled(limitMs),
    drainMs: () => durationMs(live.config.shutdown.drain),
    reload: async () => {
      const said = [await reloadConfig(live, logger, shared), fetchListener?.renew() ?? ''];
      return said.filter((one) => one !== '').join('; ');
    },
    stop: () => owned.disposeAsync(),
  };
}

import { parityContract } from '@govctl/core/environment';
import type { Logger } from 'pino';
import { loadConfig, serviceReleaseId } from './config/live-config.ts';
import { takeInstanceLock } from './db/index.ts';
import { clockWatch } from './doctor/process.ts';
import type { CheckpointOf } from './evidence/evidence-bytes.ts';
import { logReader } from './evidence/log-reader.ts';
import { refusesToSign } from './evidence/log-seal.ts';
import { openLog } from './evidence/open-log.ts';
import { secondPlacePath } from './evidence/second-place-path.ts';
import { loopWatch } from './loop/loop-watch.ts';
import { recentActivity } from './loop/recent-activity.ts';
import { openFolderStore } from './object/index.ts';
import { packStore } from './policy/pack-store.ts';
import { keyPlace, loadKeys, randomHexSource, stateDir } from './state/index.ts';
import { openStore } from './store/index.ts';
import type { ActivatedSockets } from './systemd/index.ts';
import { createMetrics } from './telemetry/metrics.ts';
import { openTraceExport } from './trace/open.ts';

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

export type Ground = Awaited<ReturnType<typeof openGround>>;

/** What everything else stands on: configuration, the store, the evidence log, and the journal that writes both. */
export async function openGround(opened: AsyncDisposableStack, { root, version }: Settings, seams: Seams) {
  const { logger, starting = () => {} } = seams;
  const dir = stateDir(root);
  const live = loadConfig(dir.config);
  logger.level = process.env.GOVD_LOG ?? live.config.logging.level;
  opened.adopt(takeInstanceLock(dir.instanceLock), (lock) => lock.release());
  const loops = loopWatch();
  const migrating = (pending: readonly string[]) => starting(`migrating the database: ${pending.join(', ')}`);
  const store = opened.adopt(await openStore(dir, live.config, { ...seams, loops, migrating }), (it) => it.close());
  const { database, now } = store;
  const keys = loadKeys(keyPlace(dir, live.config, process.env.CREDENTIALS_DIRECTORY));
  const metrics = createMetrics();
  const clockJumps = clockWatch(
    () => Date.parse(seams.now()),
    () => performance.now(),
  );
  const randomHex = randomHexSource();

  const { origin } = live.config.log;
  starting('comparing the evidence log with its second place');
  const secondPlace = secondPlacePath(dir, live.config);
  const evidenceLog = await openLog({ keys, trustPath: dir.trust, secondPlacePath: secondPlace, origin, database, logger });
  opened.defer(() => evidenceLog.place.close());
  const { seal, decisionSigner, continues } = evidenceLog;
  /** Told of what was committed, once somebody listens: hints, and nothing depends on them. */
  const hints = { events() {}, records() {} };
  const journal = await store.openJournal({
    signer: decisionSigner,
    seal,
    continues,
    observer: {
      group(measure) {
        metrics.journal.group(measure);
        if (measure.events > 0) hints.events();
        if (measure.records > 0) hints.records();
      },
    },
  });
  const checkpointOf: CheckpointOf = (head) => {
    // The database was replaced under the running daemon: what stands there now is not what was signed before.
    if (journal.distrust !== null) throw refusesToSign(journal.distrust);
    return seal.checkpointOf(head);
  };
  const packs = packStore(database);
  const objects = await openFolderStore(dir.objects, undefined, live.config.store.postgres !== undefined);
  const { environment } = live.config;
  const deployment = { environment, service_release_id: serviceReleaseId(live.config, version) };
  const tracing = openTraceExport(journal, {
    config: live.config,
    root: dir.root,
    version,
    instance: randomHex(8),
    now,
    random: Math.random,
    monotonicMs: () => performance.now(),
    logger,
    registry: metrics.registry,
  });
  opened.defer(() => tracing.stop());
  const recently = recentActivity();
  return {
    dir,
    live,
    version,
    logger,
    loops,
    store,
    keys,
    metrics,
    clockJumps,
    evidenceLog,
    hints,
    journal,
    checkpointOf,
    log: logReader(database, checkpointOf),
    packs,
    objects,
    parity_contract: parityContract(),
    recently,
    /** Whether somebody is being served right now: what can wait does. */
    busy: () => journal.waiting > 0 || recently.active(),
    /** What nearly everybody needs. */
    shared: { database, journal: tracing.journal, deployment, randomHex, now },
  };
}

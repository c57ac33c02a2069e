import { releaseLeases } from '@govctl/core/lease';
import { durationMs } from '@govctl/core/policy';
import { observabilityMode } from '@govctl/core/run';
import type { ReconcileDependencies } from './audit/reconcile-scope.ts';
import type { Ground } from './compose-ground.ts';
import { eventFeed, startDispatcher } from './event/index.ts';
import { denialLimit } from './evidence/denial-limit.ts';
import type { EvidenceDependencies } from './evidence/handler.ts';
import type { Handoff } from './handoff/index.ts';
import { currentAuthority } from './identity/authority.ts';
import { openJobs } from './job/open.ts';
import { promotionAnswers } from './promotion/answer.ts';
import type { PromotionDependencies } from './promotion/judge.ts';
import { tracedJournal } from './promotion/traced-journal.ts';
import { undoneSagas } from './promotion/undone.ts';
import { undoneFile } from './promotion/undone-file.ts';
import { startLanes } from './reactor/lanes.ts';
import { missingContent } from './snapshot/missing.ts';
import { startWitnesses, type Witnesses } from './witness/witnesses.ts';

export type Domains = Awaited<ReturnType<typeof openDomains>>;

/** What the deployment does: births, witnesses, promotions, events, evidence and jobs, each with what it runs besides answering requests. */
export async function openDomains(opened: AsyncDisposableStack, ground: Ground) {
  const handoff = await openHandoff(opened, ground);
  const witnesses = await openWitnesses(opened, ground);
  const promotion = promotionOf(ground, handoff, witnesses);
  const events = await openEvents(opened, ground);
  /** Where evidence is fetched from: known once it is listened for. A daemon on a unix socket is reached over that socket whatever the host says. */
  const address = { public_url: ground.live.config.evidence.public_url ?? 'http://govd' };
  const refusals = denialLimit();
  const jobs = await openJobsOf(opened, ground, promotion, refusals);
  return {
    handoff,
    witnesses,
    promotion,
    events,
    address,
    refusals,
    jobs,
    evidence: evidenceOf(ground, witnesses, promotion, address),
    reconciling: reconcilingOf(ground, handoff, witnesses, () => events.dispatcher.wake()),
  };
}

async function openHandoff(opened: AsyncDisposableStack, ground: Ground): Promise<Handoff> {
  const { shared, store, keys, busy, logger, loops, metrics, hints } = ground;
  const handoff = await store.openHandoff({
    ...shared,
    holder: shared.randomHex(8),
    permitKey: keys.capability,
    busy,
    jitter: Math.random,
    logger,
    watch: loops,
    registry: metrics.registry,
    committed: () => hints.events(),
  });
  opened.defer(() => handoff.stop());
  return handoff;
}

async function openWitnesses(opened: AsyncDisposableStack, ground: Ground): Promise<Witnesses> {
  const { shared, live, checkpointOf, logger, loops, metrics, hints } = ground;
  const { witnesses: asked, quorum, heartbeat, witness_timeout } = live.config.log;
  const witnesses = await startWitnesses({
    ...shared,
    witnesses: asked,
    quorum,
    heartbeatMs: durationMs(heartbeat),
    timeoutMs: durationMs(witness_timeout),
    checkpointOf,
    holder: shared.randomHex(8),
    elapsedMs: () => performance.now(),
    logger,
    watch: loops,
    registry: metrics.registry,
  });
  opened.defer(() => witnesses.stop());
  hints.records = () => witnesses.wake();
  return witnesses;
}

function promotionOf(ground: Ground, handoff: Handoff, witnesses: Witnesses) {
  const { shared, live, dir, store, packs, log, logger, metrics, parity_contract } = ground;
  const { database, deployment, now } = shared;
  const { environment: name, service_release_id } = deployment;
  const mode = (kind: 'promotion' | 'rollback') => observabilityMode(live.config.observability, name, kind);
  const undone = undoneSagas({ database, journal: ground.journal, file: undoneFile(dir.undone, logger), now, environment: name, logger });
  return {
    ...shared,
    journal: tracedJournal({ ...shared, mode: (kind) => mode(kind === 'rollback' ? 'rollback' : 'promotion') }),
    packs,
    hotDatabase: store.hotDatabase,
    sources: {
      packs,
      coverage: handoff.coverage,
      environment: () => ({ name, parity_contract, config_digest: live.digest, service_release_id }),
      signer_keys: () => live.signer_keys,
    },
    answers: promotionAnswers(database, log),
    config_digest: () => live.digest,
    finalizeMs: durationMs(live.config.audit.run_timeout) + durationMs(live.config.audit.grace),
    authority: currentAuthority(database),
    witnesses,
    undone,
    decided: (decision) => metrics.decisions.inc({ decision }),
  } satisfies PromotionDependencies;
}

/** What was committed is published in order, and delivered. */
async function openEvents(opened: AsyncDisposableStack, ground: Ground) {
  const { shared, journal, live, dir, version, logger, loops, metrics, hints } = ground;
  const { database, now, randomHex } = shared;
  const feed = eventFeed(database);
  const holder = randomHex(8);
  // After all loops have ended, so it is deferred before them. Without it the next daemon waits until the leases expire.
  opened.defer(async () => {
    const unit = { label: 'lease.release', changes: releaseLeases(holder, now()), records: [], events: [] };
    await journal.commit(unit).catch((error: unknown) => logger.warn({ err: error }, 'the leases of the loops could not be given back'));
  });
  const dispatcher = startDispatcher({ database, journal, feed, holder, now, logger, watch: loops });
  hints.events = () => dispatcher.wake();
  opened.defer(() => dispatcher.stop());
  const source = `urn:govctl:${live.config.log.origin}`;
  const lanes = await startLanes({
    database,
    journal,
    feed,
    config: live.config,
    root: dir.root,
    source,
    version,
    holder,
    now,
    random: Math.random,
    monotonicMs: () => performance.now(),
    logger,
    loops,
    registry: metrics.registry,
  });
  opened.defer(() => lanes.stop());
  return { feed, holder, dispatcher, source, lanes };
}

function evidenceOf(
  { shared, live, checkpointOf, evidenceLog, logger, metrics }: Ground,
  witnesses: Witnesses,
  { authority }: PromotionDependencies,
  address: { readonly public_url: string },
): EvidenceDependencies {
  const { trust, decisionSigner, capabilityKey } = evidenceLog;
  return {
    ...shared,
    checkpointOf,
    witness_quorum: witnesses.quorum,
    trust,
    signer: decisionSigner,
    authority,
    capability: {
      ...capabilityKey,
      issuer: live.config.log.origin,
      public_url: () => address.public_url,
      bindable: live.config.listeners.fetch?.tls?.client_ca_file !== undefined,
      ttl: () => Math.round(durationMs(live.config.evidence.capability_ttl) / 1000),
    },
    denials: denialLimit(),
    logger,
    counted: (outcome) => metrics.access.inc({ outcome }),
  };
}

function reconcilingOf(
  { shared, busy, objects }: Ground,
  handoff: Handoff,
  { quorum }: Witnesses,
  wakeDispatcher: () => void,
): ReconcileDependencies {
  const sources: ReconcileDependencies['sources'] = {
    missingContent: (snapshotHash) => missingContent(objects, snapshotHash),
    handoff: (at, pace) => handoff.reconcile(at, pace),
    wakeDispatcher,
  };
  return { ...shared, busy, witness_quorum: quorum, sources };
}

async function openJobsOf(
  opened: AsyncDisposableStack,
  { shared, live, objects, packs, log, logger, loops, dir }: Ground,
  { sources, authority }: PromotionDependencies,
  refusals: ReturnType<typeof denialLimit>,
) {
  const { jobs: config, mid_run } = live.config.runs;
  const jobs = await openJobs({
    ...shared,
    objects,
    packs,
    environment: sources.environment,
    config,
    ceilings: () => live.config.runs.jobs.limits,
    mid_run: { enabled: mid_run.enabled, interval_ms: durationMs(mid_run.interval) },
    refusals,
    observability: () => observabilityMode(live.config.observability, shared.deployment.environment, 'job'),
    authority,
    logger,
    env: process.env,
    watch: loops,
    log,
    root: dir.root,
  });
  opened.defer(() => jobs.stop());
  return jobs;
}

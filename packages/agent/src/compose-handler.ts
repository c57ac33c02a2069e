import { apiWindow, openapiDocument, routeList } from '@govctl/core/api';
import { durationMs } from '@govctl/core/policy';
import { alertHandlers } from './alert/handler.ts';
import { auditHandlers } from './audit/handler.ts';
import { reconcileHandler } from './audit/reconcile.ts';
import { reportHandlers } from './audit/report-handler.ts';
import { backupHandlers } from './backup/handler.ts';
import type { Domains } from './compose-domain.ts';
import type { Ground } from './compose-ground.ts';
import { doctorHandlers } from './doctor/handler.ts';
import { procFiles } from './doctor/process.ts';
import { eventHandlers } from './event/index.ts';
import { laneHandlers } from './event/lane/handler.ts';
import { dispositionHandlers } from './evidence/disposition-handler.ts';
import { evidenceHandlers } from './evidence/handler.ts';
import { identityHandlers } from './identity/handler.ts';
import { incidentHandlers } from './incident/handler.ts';
import { lockHandlers } from './lock/handler.ts';
import { contractHandlers } from './policy/contract-handler.ts';
import { gateHandlers } from './policy/gate-handler.ts';
import { policyHandlers } from './policy/handler.ts';
import { waiverHandlers } from './policy/waiver-handler.ts';
import { approvalHandlers } from './promotion/approval.ts';
import { boundaryHandlers } from './promotion/boundary.ts';
import { promotionHandlers } from './promotion/handler.ts';
import { listHandlers } from './promotion/list.ts';
import { pauseHandlers } from './promotion/pause.ts';
import { rollbackHandler } from './promotion/rollback.ts';
import { qualityHandlers } from './quality/handler.ts';
import { receiptHandlers } from './receipt/handler.ts';
import { snapshotHandlers } from './snapshot/handler.ts';
import { snapshotVerifier } from './snapshot/reverify.ts';
import { freeSpace } from './system/free-space.ts';
import { systemHandlers } from './system/handler.ts';
import type { ReadinessCheck } from './system/readiness.ts';
import { tenantHandlers } from './tenant/handler.ts';

/** What must hold for requests to be sent here. */
export function readinessOf({ live, store, evidenceLog, journal, dir }: Ground, { witnesses }: Domains): readonly ReadinessCheck[] {
  const { seal } = evidenceLog;
  const { origin, witnesses: asked } = live.config.log;
  const { current, pending } = store.schema;
  return [
    { name: 'schema', check: () => ({ ok: pending.length === 0, detail: `schema ${current}` }) },
    {
      name: 'evidence-log',
      check: () => ({ ok: seal.refusal() === null, detail: seal.refusal() ?? `${journal.size} leaves, signed by ${origin}` }),
    },
    ...(asked.length === 0 ? [] : [{ name: 'witnesses', check: () => witnesses.readiness() }]),
    ...store.readiness,
    { name: 'disk', check: () => freeSpace(dir.root) },
    { name: 'journal', check: () => ({ ok: journal.distrust === null, detail: journal.distrust ?? 'every commit is durable' }) },
  ];
}

/** A handler for every route. */
export function handlersOf(ground: Ground, domains: Domains, readiness: readonly ReadinessCheck[]) {
  const { shared, packs, objects, live } = ground;
  const { database } = shared;
  const { handoff, promotion, events, evidence, jobs, reconciling } = domains;
  const { feed, source, lanes } = events;
  const snapshot = { ...shared, objects };
  const signer_keys = () => live.signer_keys;
  return {
    ...hostHandlersOf(ground, readiness),
    ...promotionHandlers(promotion),
    ...approvalHandlers(promotion),
    ...pauseHandlers({ ...promotion, refusals: domains.refusals }),
    ...listHandlers(database),
    ...rollbackHandler(promotion, snapshotVerifier(snapshot)),
    ...boundaryHandlers({ ...promotion, log: ground.log, governanceKeys: [evidence.signer.public_key_spki] }),
    ...auditHandlers(shared),
    ...lockHandlers(shared),
    ...tenantHandlers(shared),
    ...incidentHandlers(shared),
    ...reconcileHandler(reconciling),
    ...reportHandlers({ database, objects }),
    ...jobs.handlers,
    ...receiptHandlersOf(ground, domains),
    ...snapshotHandlers(snapshot),
    ...policyHandlers(shared),
    ...contractHandlers({ ...shared, packs, signer_keys }),
    ...waiverHandlers({ ...shared, packs }),
    ...qualityHandlers(shared),
    ...gateHandlers(),
    ...handoff.handlers,
    ...eventHandlers({ feed, source }),
    ...laneHandlers({ ...shared, wake: () => feed.announce() }),
    ...alertHandlers({ ...shared, settingsOf: lanes.settingsOf }),
    ...identityHandlers(shared),
    ...evidenceHandlers(evidence),
    ...dispositionHandlers({ ...shared, logger: ground.logger, rules: () => live.config.retention.rules }),
  };
}

/** What is asked of the daemon itself: version, health, doctor, backup. */
function hostHandlersOf(ground: Ground, readiness: readonly ReadinessCheck[]) {
  const { shared, live, dir, store, version, objects, checkpointOf, logger, clockJumps } = ground;
  const { schema, copy } = store;
  const { environment, service_release_id } = shared.deployment;
  return {
    ...systemHandlers({
      version,
      service_release_id,
      api: apiWindow,
      schema: schema.current,
      environment,
      parity_contract: ground.parity_contract,
      registry: ground.metrics.registry,
      readiness,
      openapi: () => openapiDocument(routeList, version),
    }),
    ...doctorHandlers({
      dir,
      live,
      database: shared.database,
      schema,
      clockJumps,
      proc: procFiles,
      uid: process.geteuid?.(),
      credentials: process.env.CREDENTIALS_DIRECTORY,
    }),
    ...backupHandlers({ ...shared, dir, objects, copy, schema: schema.current, origin: live.config.log.origin, checkpointOf, logger }),
  };
}

function receiptHandlersOf({ shared, live, evidenceLog }: Ground, { promotion, jobs }: Domains) {
  return receiptHandlers({
    database: shared.database,
    answers: promotion.answers,
    job: jobs.described,
    deployment: { ...shared.deployment, log: live.config.log.origin },
    signer: evidenceLog.capabilityKey.signer,
    assist: () => {
      const { remote_assist: place } = live.config.receipt;
      return place === undefined ? undefined : { url: place.url, expiryMs: durationMs(place.expiry) };
    },
  });
}

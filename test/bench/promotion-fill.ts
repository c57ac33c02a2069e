import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { parityContract } from '@govctl/core/environment';
import type { Actor } from '@govctl/core/identity';
import { carryOut, type PromotionRequest, requestDigest, startRun } from '@govctl/core/promotion';
import { openSqlite, SqliteReader } from '../../packages/agent/src/db/index.ts';
import { SqliteJournal } from '../../packages/agent/src/journal/index.ts';
import { packStore } from '../../packages/agent/src/policy/pack-store.ts';
import { deferLimits, factRequestOf, judge, type PromotionDependencies, sagaContext } from '../../packages/agent/src/promotion/judge.ts';
import { loadKeys, signerOf } from '../../packages/agent/src/state/index.ts';
import { datasets } from './govern.ts';

const now = () => new Date().toISOString();
const randomHex = (bytes: number) => randomBytes(bytes).toString('hex');
const actor: Actor = {
  actor_id: 'HUMAN::bench',
  source_type: 'HUMAN',
  authenticated_by: 'api-key:bench',
  grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }],
};

/**
 * Promotions into a stopped daemon's state folder, on the datasets of `governDatasets`: facts, decision, saga and journal are the daemon's own
 * code, with real signatures; without HTTP, and one of each dataset in a commit.
 */
export async function fillPromotions(state: string, upto: number): Promise<void> {
  const handle = openSqlite(join(state, 'govd.db'));
  try {
    const database = new SqliteReader(handle);
    const signer = signerOf(loadKeys({ folder: join(state, 'keys'), guardedBy: 'mode' }), 'decision');
    // The daemon signs the head when it starts; nobody asks for the checkpoints in between.
    const journal = new SqliteJournal({ handle, signer, seal: { refusal: () => null, seal: () => '' }, now });
    const deployment = { environment: 'local_parity' as const, service_release_id: 'govd-bench' };
    const packs = packStore(database);
    const config_digest = `sha256:${'0'.repeat(64)}`;
    const { environment: name, service_release_id } = deployment;
    const environment = { name, parity_contract: parityContract(), config_digest, service_release_id };
    const coverage = { factOf: async () => ({ coverage: null, ospa_count: null }) };
    const sources = { packs, coverage, environment: () => environment, signer_keys: () => [] };
    const used = { database, hotDatabase: database, journal, deployment, packs, randomHex, now, sources, witnesses: { quorum: 0 } };
    // What a promotion asks of them; the rest of a daemon is for those who are answered.
    const deps = { ...used, config_digest: () => config_digest, finalizeMs: 35_000 } as unknown as PromotionDependencies;
    for (let at = 0; at < upto; at += datasets)
      await Promise.all(Array.from({ length: Math.min(datasets, upto - at) }, (_, place) => promote(deps, at + place, place)));
  } finally {
    handle.close();
  }
}

async function promote(deps: PromotionDependencies, serial: number, place: number): Promise<void> {
  const asked = { run_id: `fill-${serial}`, tenant_id: 'default', dataset_id: `orders-${place}`, snapshot_id: `snap-${place}` };
  const request = { ...asked, from_layer: 'RAW', to_layer: 'GDP' } as PromotionRequest;
  const { read, decision, decision_digest } = await judge(deps, factRequestOf(request), actor, now());
  const { from_layer, to_layer } = request;
  const whose = { kind: 'promotion' as const, actor_id: actor.actor_id, request_digest: requestDigest(request) };
  const context = sagaContext(deps, read, undefined);
  const start = startRun({ ...asked, from_layer, to_layer, ...whose, created_at: read.facts.as_of }, read.facts, context, {
    trace_id: randomHex(16),
    request: { by: 'promotion', facts: factRequestOf(request), actor },
  });
  const planned = carryOut(start, { facts: read.facts, decision, decision_digest }, context, deferLimits(read.facts));
  const result = await deps.journal.commit(planned.unit);
  if (!result.ok || planned.row.status !== 'succeeded')
    throw new Error(`a promotion failed: ${JSON.stringify(result.ok ? decision : result).slice(0, 2000)}`);
}

import { contractRoutes, gateRoutes, policyRoutes, qualityRoutes } from '@govctl/core/api';
import { registerSnapshot } from '@govctl/core/promotion';
import { type Served, serve } from '../http/serve.fixture.ts';
import { type TestJournal, testJournal } from '../journal/journal.fixture.ts';
import { qualityHandlers } from '../quality/handler.ts';
import { contractHandlers } from './contract-handler.ts';
import { gateHandlers } from './gate-handler.ts';
import { policyHandlers } from './handler.ts';
import { packStore } from './pack-store.ts';

export type TestGovernance = {
  readonly http: Served;
  readonly journal: TestJournal;
  readonly ada: { readonly actor_id: string; readonly authenticated_by: string };
  /** Registers a snapshot that nobody uploaded: these routes only ask whose it is. */
  snapshot(snapshotId: string, datasetId?: string): Promise<void>;
  close(): Promise<void>;
};

/** Policies, contracts, quality and gates over real HTTP and a real journal. The clock gains a second with every look. */
export async function testGovernance(): Promise<TestGovernance> {
  let ticks = 0;
  const now = () => new Date(Date.parse('2026-11-21T03:00:00.000Z') + 1000 * ticks++).toISOString();
  const journal = testJournal({ now });
  let random = 0;
  const deps = {
    database: journal.database,
    journal: journal.journal,
    deployment: { environment: 'local_parity', service_release_id: 'govd-test' },
    randomHex: (bytes: number) => (++random).toString(16).padStart(bytes * 2, '0'),
    now,
  };
  const routes = { ...policyRoutes, ...contractRoutes, ...qualityRoutes, ...gateRoutes };
  const handlers = {
    ...policyHandlers(deps),
    ...contractHandlers({ ...deps, packs: packStore(deps.database), signer_keys: () => [] }),
    ...qualityHandlers(deps),
    ...gateHandlers(),
  };
  const http = await serve(routes, handlers, now);
  const ada = { actor_id: 'HUMAN::ada', authenticated_by: 'api-key:test' };
  return {
    http,
    journal,
    ada,
    async snapshot(snapshot_id, dataset_id = 'orders') {
      const context = { actor: ada, environment: 'local_parity', service_release_id: 'govd-test', at: now(), salt: deps.randomHex(16) };
      const values = {
        snapshot_id,
        tenant_id: 'default',
        dataset_id,
        layer: 'RAW' as const,
        file_count: 1,
        total_bytes: 1,
        missing_objects: 0,
      };
      const unit = registerSnapshot(context, { ...values, snapshot_hash: `sha256:${'e'.repeat(64)}` });
      const result = await journal.journal.commit(unit);
      if (!result.ok) throw new Error(result.guard);
    },
    async close() {
      await http.close();
      journal.close();
    },
  };
}

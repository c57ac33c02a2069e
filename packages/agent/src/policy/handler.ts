import { Problem, type policyRoutes, schemaVersion } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import { mayAffect } from '@govctl/core/identity';
import {
  type ActiveSet,
  activatePack,
  type Contract,
  deactivatePack,
  lintPack,
  type Pack,
  type PackRef,
  testPack,
} from '@govctl/core/policy';
import type { Handlers } from '../http/index.ts';
import {
  everywhere,
  everywhereFlags,
  type GovernanceDependencies,
  governanceContext,
  keepsChanging,
  notGranted,
  rebuilds,
} from './governance.ts';
import { type ActivationRow, activeSet, newestContracts, packHeads, storedPacks } from './queries.ts';

const noFilter = { tenant_id: null, dataset_id: null };

/** Shows and changes the active policy set. */
export function policyHandlers(deps: GovernanceDependencies): Handlers<typeof policyRoutes> {
  const { database, journal } = deps;
  return {
    async 'policy.active'() {
      const [[row]] = await database.read([activeSet({})]);
      const head = row ?? { policy_rev: null, activation: 0, activated_at: null, activated_by: null };
      const { policy_rev, activation, activated_at, activated_by } = head;
      return {
        schemaVersion,
        kind: 'PolicySet' as const,
        policy_rev,
        activation,
        packs: packsOf(row),
        activated_at,
        activated_by,
      };
    },

    async 'policy.ls'({ query }) {
      const [[set], rows] = await database.read([activeSet({}), packHeads({ name: query.name ?? null })]);
      const active = new Set(packsOf(set).map(({ digest }) => digest));
      const items = rows.map(({ name, version, digest, stored_at }) => ({ name, version, digest, active: active.has(digest), stored_at }));
      return {
        schemaVersion,
        kind: 'PolicyPackList' as const,
        items: query.active === undefined ? items : items.filter((item) => item.active === (query.active === 'true')),
      };
    },

    async 'policy.get'({ params }) {
      const byDigest = params.pack.startsWith('sha256:');
      const [[set], rows] = await database.read([
        activeSet({}),
        storedPacks({ name: byDigest ? null : params.pack, digest: byDigest ? params.pack : null }),
      ]);
      const active = new Set(packsOf(set).map(({ digest }) => digest));
      const row = rows.find(({ digest }) => active.has(digest)) ?? rows[0];
      if (row === undefined)
        throw new Problem('not-found', { detail: `no policy pack ${params.pack} is stored`, hint: 'govctl policy ls' });
      const { name, version, digest, source, stored_at } = row;
      return { schemaVersion, kind: 'PolicyPack' as const, name, version, digest, active: active.has(digest), stored_at, source };
    },

    async 'policy.activate'({ body, actor }) {
      if (!mayAffect(actor, 'policy.activate', everywhere)) {
        throw notGranted(actor, 'policy.activate', 'every dataset', everywhereFlags);
      }
      const { name, version } = provenPack(body.source);
      const pack = { name, version, digest: digestOf(body.source), source: body.source };
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [[row], stored, contracts] = await database.read([
          activeSet({}),
          storedPacks({ name, digest: null }),
          newestContracts(noFilter),
        ]);
        const active = activeOf(row);
        assertExpected(body.expected_policy_rev, active);
        const other = stored.find((one) => one.version === version && one.digest !== pack.digest);
        if (other !== undefined) {
          throw new Problem('unprocessable', {
            detail: `version ${version} of ${name} is stored already, and says something else (${other.digest}): a version never changes`,
            hint: `give the pack another version; what differs: govctl policy diff ${other.digest} PACK.yaml`,
          });
        }
        const planned = activatePack(governanceContext(deps, actor), pack, active);
        const shown = { schemaVersion, kind: 'PolicyActivation' as const, pack: { name, version, digest: pack.digest } };
        const contracts_to_apply = contracts
          .filter((contract) => pinsAnother(JSON.parse(contract.body) as Contract, pack))
          .map(({ contract_id }) => contract_id);
        if (planned === null) {
          if (active === null) throw new Error('a pack is active in no set');
          const { policy_rev, activation, packs } = active;
          return {
            ...shown,
            activated: false,
            policy_rev,
            previous_policy_rev: policy_rev,
            activation,
            packs: [...packs],
            contracts_to_apply,
            evidence_ref: null,
          };
        }
        const result = await journal.commit(planned.unit);
        if (!result.ok) continue;
        return {
          ...shown,
          activated: true,
          policy_rev: planned.policy_rev,
          previous_policy_rev: active?.policy_rev ?? null,
          activation: planned.activation,
          packs: [...planned.packs],
          contracts_to_apply,
          evidence_ref: result.committed.records[0]?.ref ?? null,
        };
      }
      throw keepsChanging('the active policy set');
    },

    async 'policy.deactivate'({ params, body, actor }) {
      if (!mayAffect(actor, 'policy.deactivate', everywhere)) {
        throw notGranted(actor, 'policy.deactivate', 'every dataset', everywhereFlags);
      }
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [[row], [newest], contracts] = await database.read([
          activeSet({}),
          storedPacks({ name: params.pack, digest: null }),
          newestContracts(noFilter),
        ]);
        if (newest === undefined)
          throw new Problem('not-found', { detail: `no policy pack ${params.pack} is stored`, hint: 'govctl policy ls --active' });
        const active = activeOf(row);
        assertExpected(body.expected_policy_rev, active);
        const { name, version, digest } = active?.packs.find((pack) => pack.name === params.pack) ?? newest;
        const planned = deactivatePack(governanceContext(deps, actor), params.pack, body.reason, active);
        const contracts_waiting = contracts
          .filter(({ body: text }) => (JSON.parse(text) as Contract).policy_packs.some((pinned) => pinned.name === name))
          .map(({ contract_id }) => contract_id);
        const shown = { schemaVersion, kind: 'PolicyDeactivation' as const, pack: { name, version, digest }, contracts_waiting };
        const previous_policy_rev = active?.policy_rev ?? null;
        if (planned === null) {
          const { activation, packs } = active ?? { activation: 0, packs: [] };
          const stands = { policy_rev: previous_policy_rev, previous_policy_rev, activation, packs: [...packs] };
          return { ...shown, deactivated: false, ...stands, evidence_ref: null };
        }
        const result = await journal.commit(planned.unit);
        if (!result.ok) continue;
        const { policy_rev, activation, packs } = planned;
        const evidence_ref = result.committed.records[0]?.ref ?? null;
        return { ...shown, deactivated: true, policy_rev, previous_policy_rev, activation, packs: [...packs], evidence_ref };
      }
      throw keepsChanging('the active policy set');
    },
  };
}

/** @throws Problem `stale` when another set is active than the caller believes */
function assertExpected(expected: string | null | undefined, active: ActiveSet): void {
  if (expected === undefined || expected === (active?.policy_rev ?? null)) return;
  throw new Problem('stale', {
    detail: `the active policy_rev is ${active?.policy_rev ?? 'none'}, not ${expected ?? 'none'}`,
    hint: 'govctl policy show',
  });
}

function packsOf(row: ActivationRow | undefined): PackRef[] {
  return row === undefined ? [] : (JSON.parse(row.packs) as PackRef[]);
}

function activeOf(row: ActivationRow | undefined): ActiveSet {
  return row === undefined ? null : { activation: row.activation, policy_rev: row.policy_rev, packs: packsOf(row) };
}

function pinsAnother(contract: Contract, pack: PackRef): boolean {
  return contract.policy_packs.some((pinned) => pinned.name === pack.name && pinned.digest !== pack.digest);
}

/** @throws Problem `unprocessable` with everything that keeps the pack from being activated */
function provenPack(source: string): Pack {
  const { pack, problems } = lintPack(source);
  if (pack === undefined) {
    throw new Problem('unprocessable', {
      detail: `the pack has ${problems.length} ${problems.length === 1 ? 'fault' : 'faults'}`,
      hint: 'govctl policy lint PACK.yaml',
      reasons: problems.map(({ path, line, column, message }) => ({ path: `${path === '' ? 'pack' : path} (${line}:${column})`, message })),
    });
  }
  const { ok, results, untested } = testPack(source);
  if (ok) return pack;
  throw new Problem('unprocessable', {
    detail: 'the fixtures of the pack do not show that its rules say what they should',
    hint: 'govctl policy test PACK.yaml',
    reasons: [
      ...results
        .filter((result) => !result.ok)
        .map(({ rule, fixture, must, said, error }) => ({
          path: `${rule}: ${fixture}`,
          message: `must ${must}, and the rule says ${said}${error === null ? '' : ` (${error})`}`,
        })),
      ...untested.map(({ rule, lacks }) => ({ path: rule, message: `has no fixture that must ${lacks.join(', and none that must ')}` })),
    ],
  });
}

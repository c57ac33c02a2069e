import { type contractRoutes, Problem, schemaVersion } from '@govctl/core/api';
import type { Facts } from '@govctl/core/decision';
import { mayAffect } from '@govctl/core/identity';
import { applyContract, applyContractUnit, type Contract, type ContractFile, type PackRef, readContract } from '@govctl/core/policy';
import type { Handlers } from '../http/index.ts';
import type { PackStore } from '../promotion/facts.ts';
import { activeRules } from './active-rules.ts';
import { type GovernanceDependencies, governanceContext, keepsChanging, notGranted, rebuilds } from './governance.ts';
import type { CompiledPacks } from './pack-store.ts';
import { activeSet, type ContractRow, contractHistory, contractVersion, newestContracts } from './queries.ts';

export type ContractDependencies = GovernanceDependencies & {
  /** Keys of people and services who may sign evidence bundles, from the configuration. */
  readonly signer_keys: () => Facts['signer_keys'];
  readonly packs: PackStore & CompiledPacks;
};

/** Applies and shows governance contracts. */
export function contractHandlers(deps: ContractDependencies): Handlers<typeof contractRoutes> {
  const { database, journal } = deps;
  return {
    async 'contract.apply'({ body, actor }) {
      const file = contractFile(body.source);
      if (!mayAffect(actor, 'contract.apply', file)) {
        const { tenant_id, dataset_id } = file;
        throw notGranted(actor, 'contract.apply', `${tenant_id}/${dataset_id}`, `--tenant ${tenant_id} --dataset ${dataset_id}`);
      }
      for (let attempt = 0; attempt < rebuilds; attempt += 1) {
        const [[set], [newest], governing] = await database.read([
          activeSet({}),
          contractVersion({ contract_id: file.contract_id, version: null }),
          newestContracts({ tenant_id: file.tenant_id, dataset_id: file.dataset_id }),
        ]);
        const version = newest?.version ?? 0;
        if (body.expected_version !== undefined && body.expected_version !== version) {
          throw new Problem('stale', {
            detail: `the newest version of ${file.contract_id} is ${version}, not ${body.expected_version}`,
            hint: `govctl contract get ${file.contract_id}`,
          });
        }
        refuseOtherSubject(file, newest, governing);
        const active = set === undefined ? [] : (JSON.parse(set.packs) as PackRef[]);
        const applied = applyContract(file, {
          active,
          rules: await activeRules(deps.packs, active),
          signer_keys: deps.signer_keys(),
        });
        if (!applied.ok) {
          const { problems } = applied;
          throw new Problem('unprocessable', {
            detail: `the contract demands what cannot be met: ${problems.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
            hint: [...new Set(problems.map(({ fix }) => fix))].join('; '),
            reasons: problems.map(({ path, message, fix }) => ({ path, message: `${message}; fix: ${fix}` })),
          });
        }
        if (newest?.digest === applied.digest) {
          return { schemaVersion, kind: 'ContractApplication' as const, ...shown(newest), applied: false, evidence_ref: null };
        }
        const context = governanceContext(deps, actor);
        const result = await journal.commit(applyContractUnit(context, applied, version + 1));
        if (!result.ok) continue;
        const { contract, digest } = applied;
        return {
          schemaVersion,
          kind: 'ContractApplication' as const,
          contract_id: contract.contract_id,
          version: version + 1,
          tenant_id: contract.tenant_id,
          dataset_id: contract.dataset_id,
          digest,
          applied_at: context.at,
          applied_by: actor.actor_id,
          contract,
          applied: true,
          evidence_ref: result.committed.records[0]?.ref ?? null,
        };
      }
      throw keepsChanging(`contract ${file.contract_id}`);
    },

    async 'contract.ls'({ query, actor }) {
      const { tenant_id = null, dataset_id = null, contract_id } = query;
      const [rows] = await database.read([
        contract_id === undefined ? newestContracts({ tenant_id, dataset_id }) : contractHistory({ contract_id }),
      ]);
      return {
        schemaVersion,
        kind: 'ContractList' as const,
        items: rows.filter((row) => mayAffect(actor, 'contract.read', row)).map(({ body: _body, ...head }) => head),
      };
    },

    async 'contract.get'({ params, query, actor }) {
      const [[row]] = await database.read([contractVersion({ contract_id: params.contract_id, version: query.version ?? null })]);
      // Somebody without a grant for the dataset learns as much as about a contract that is not there.
      if (row === undefined || !mayAffect(actor, 'contract.read', row)) throw noContract(params.contract_id, query.version);
      return { schemaVersion, kind: 'Contract' as const, ...shown(row) };
    },
  };
}

function shown({ body, ...head }: ContractRow) {
  return { ...head, contract: JSON.parse(body) as Contract };
}

function noContract(contractId: string, version: number | undefined): Problem {
  return new Problem('not-found', {
    detail: `no contract ${contractId}${version === undefined ? '' : ` in version ${version}`}`,
    hint: version === undefined ? 'govctl contract ls' : `govctl contract ls --contract ${contractId}`,
  });
}

/** @throws Problem `unprocessable` with every fault of the file, each with its place */
function contractFile(source: string): ContractFile {
  const { value, problems } = readContract(source);
  if (value !== undefined) return value;
  throw new Problem('unprocessable', {
    detail: `the contract has ${problems.length} ${problems.length === 1 ? 'fault' : 'faults'}`,
    hint: 'mend the places named above, then: govctl contract apply -f CONTRACT.yaml',
    reasons: problems.map(({ path, line, column, message }) => ({
      path: `${path === '' ? 'contract' : path} (${line}:${column})`,
      message,
    })),
  });
}

/** One contract governs a dataset, and a contract one dataset: the history of either would otherwise tell of another thing. */
function refuseOtherSubject(file: ContractFile, newest: ContractRow | undefined, governing: readonly ContractRow[]): void {
  if (newest !== undefined && (newest.tenant_id !== file.tenant_id || newest.dataset_id !== file.dataset_id)) {
    throw new Problem('unprocessable', {
      detail: `contract_id ${file.contract_id} is used for another dataset`,
      hint: `choose another contract_id: ${file.dataset_id}-contract`,
    });
  }
  const other = governing.find((row) => row.contract_id !== file.contract_id);
  if (other !== undefined) {
    throw new Problem('unprocessable', {
      detail: `${file.dataset_id} is governed by contract ${other.contract_id} already`,
      hint: `apply a new version of it: set contract_id: ${other.contract_id}`,
    });
  }
}

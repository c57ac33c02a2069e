import { query } from '../db/index.ts';

export type ActivationRow = { activation: number; policy_rev: string; packs: string; activated_at: string; activated_by: string };

export const activeSet = query<Record<string, never>, ActivationRow>(
  'active policy set',
  'SELECT activation, policy_rev, packs, activated_at, activated_by FROM policy_activation ORDER BY activation DESC LIMIT 1',
);

export type PackRow = { digest: string; name: string; version: string; source: string; stored_at: string };

/** A pack by digest, or every version of a name, newest first. */
export const storedPacks = query<{ name: string | null; digest: string | null }, PackRow>(
  'stored policy packs',
  `SELECT digest, name, version, source, stored_at FROM policy_pack
   WHERE (:name IS NULL OR name = :name) AND (:digest IS NULL OR digest = :digest) ORDER BY stored_at DESC, digest`,
);

export const packHeads = query<{ name: string | null }, Omit<PackRow, 'source'>>(
  'policy pack heads',
  `SELECT digest, name, version, stored_at FROM policy_pack
   WHERE :name IS NULL OR name = :name ORDER BY name, stored_at, digest`,
);

export type ContractRow = {
  contract_id: string;
  version: number;
  tenant_id: string;
  dataset_id: string;
  digest: string;
  body: string;
  applied_at: string;
  applied_by: string;
};

/** One version of a contract, the newest unless said. */
export const contractVersion = query<{ contract_id: string; version: number | null }, ContractRow>(
  'contract version',
  `SELECT contract_id, version, tenant_id, dataset_id, digest, body, applied_at, applied_by FROM contract
   WHERE contract_id = :contract_id AND (:version IS NULL OR version = :version) ORDER BY version DESC LIMIT 1`,
);

export const contractHistory = query<{ contract_id: string }, ContractRow>(
  'contract history',
  `SELECT contract_id, version, tenant_id, dataset_id, digest, body, applied_at, applied_by FROM contract
   WHERE contract_id = :contract_id ORDER BY version`,
);

export const newestContracts = query<{ tenant_id: string | null; dataset_id: string | null }, ContractRow>(
  'newest contracts',
  `SELECT c.contract_id, c.version, c.tenant_id, c.dataset_id, c.digest, c.body, c.applied_at, c.applied_by FROM contract c
   WHERE (:tenant_id IS NULL OR c.tenant_id = :tenant_id) AND (:dataset_id IS NULL OR c.dataset_id = :dataset_id)
     AND c.version = (SELECT max(m.version) FROM contract m WHERE m.contract_id = c.contract_id)
   ORDER BY c.contract_id`,
);

import { z } from 'zod';
import { contractSchema } from '../../policy/contract.ts';
import { digestSchema, document, nameSchema, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const version = z.number().int().min(1);
// Open, as every answer: a later daemon may say more.
const body = z.object(contractSchema.shape);
const head = {
  contract_id: z.string(),
  version,
  tenant_id: z.string(),
  dataset_id: z.string(),
  digest: digestSchema,
  applied_at: timestampSchema,
  applied_by: z.string(),
};

export const contractDocument = document('Contract', { ...head, contract: body });

export const contractApplicationDocument = document('ContractApplication', {
  ...head,
  contract: body,
  /** False when the newest version says exactly this, and nothing was written. */
  applied: z.boolean(),
  evidence_ref: refSchema.nullable(),
});

export const contractListDocument = document('ContractList', { items: z.array(z.object(head)) });

/** Governance contracts: what a dataset owes before it may be promoted. Versions are added, never changed. */
export const contractRoutes = defineRoutes({
  'contract.apply': {
    method: 'POST',
    path: '/v1/contracts',
    summary: 'Apply a contract: its packs are pinned to the active digests, and it becomes the next version',
    action: 'contract.apply',
    listener: 'operator',
    body: z.strictObject({
      source: z.string().max(1024 * 1024),
      /** The newest version the caller knows; 0 for none. Another one is refused as stale. */
      expected_version: z.number().int().min(0).optional(),
    }),
    response: contractApplicationDocument,
    bodyLimit: 2 * 1024 * 1024,
    problems: ['forbidden', 'unprocessable', 'stale', 'conflict', 'evidence-unavailable'],
  },
  'contract.ls': {
    method: 'GET',
    path: '/v1/contracts',
    summary: 'Contracts in their newest version, or every version of one',
    action: 'contract.read',
    listener: 'operator',
    query: z.strictObject({
      tenant_id: nameSchema.optional(),
      dataset_id: nameSchema.optional(),
      /** Every version of this contract, oldest first. */
      contract_id: nameSchema.optional(),
    }),
    response: contractListDocument,
    problems: [],
  },
  'contract.get': {
    method: 'GET',
    path: '/v1/contracts/:contract_id',
    summary: 'A contract, the newest version unless said',
    action: 'contract.read',
    listener: 'operator',
    params: z.strictObject({ contract_id: nameSchema }),
    query: z.strictObject({ version: z.coerce.number().int().min(1).optional() }),
    response: contractDocument,
    problems: ['not-found'],
  },
});

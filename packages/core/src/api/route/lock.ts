import { z } from 'zod';
import { document, refSchema, timestampSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

/** `dataset/TENANT/DATASET/LAYER` or `workspace/TENANT/WORKSPACE`. */
const lockKeySchema = z
  .string()
  .max(600)
  .regex(
    /^(dataset|workspace)(\/[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}){2,3}$/,
    'the name of a lock: dataset/TENANT/DATASET/LAYER or workspace/TENANT/WORKSPACE',
  );

const lock = z.object({
  lock_key: z.string(),
  /** Grows with each change of holder: a write with an older one is refused. */
  fence: z.number().int(),
  /** run_id of the holder; null while nobody holds it. */
  holder: z.string().nullable(),
  acquired_at: timestampSchema.nullable(),
  expires_at: timestampSchema.nullable(),
  /** Its holder said nothing for too long: the next one takes it over. */
  expired: z.boolean(),
});

/** Locks of datasets and workspaces. */
export const lockRoutes = defineRoutes({
  'lock.ls': {
    method: 'GET',
    path: '/v1/locks',
    summary: 'Locks that are held, by whom and until when',
    action: 'lock.read',
    listener: 'operator',
    query: z.strictObject({
      /** Those that nobody holds too. */
      all: z.enum(['true', 'false']).optional(),
      cursor: lockKeySchema.optional(),
      limit: z.coerce.number().int().min(1).max(500).default(100),
    }),
    response: document('LockList', { items: z.array(lock), next_cursor: z.string().nullable() }),
    problems: [],
  },
  'lock.break': {
    method: 'POST',
    path: '/v1/locks/break',
    summary: 'Take a lock away from whoever holds it: what the holder still writes under it is refused',
    action: 'lock.break',
    listener: 'operator',
    body: z.strictObject({ lock_key: lockKeySchema, reason: z.string().min(3).max(1024) }),
    response: document('Lock', { ...lock.shape, broken_holder: z.string(), evidence_ref: refSchema }),
    problems: ['not-found', 'conflict', 'evidence-unavailable'],
  },
});

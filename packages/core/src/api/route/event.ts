import { z } from 'zod';
import { nameSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

const position = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

/** The embedded lane: events as they are committed, in one order, from any position. */
export const eventRoutes = defineRoutes({
  'event.stream': {
    method: 'GET',
    path: '/v1/events',
    summary: 'CloudEvents as server-sent events; the id of each is its position. Last-Event-ID resumes after it',
    action: 'event.read',
    listener: 'operator',
    query: z
      .strictObject({
        /** First position wanted; only what comes from now on when neither this nor `last` is given. */
        from: position.optional(),
        /** So many of the newest first. */
        last: z.coerce.number().int().min(0).max(10_000).optional(),
        /** `run.completed,store.*` */
        type: z.string().min(1).max(512).optional(),
        tenant_id: nameSchema.optional(),
        dataset_id: nameSchema.optional(),
        run_id: nameSchema.optional(),
        /** `false` ends the stream at the newest event instead of waiting for more. */
        follow: z.enum(['true', 'false']).default('true'),
      })
      .refine(({ from, last }) => from === undefined || last === undefined, 'from and last exclude each other'),
    stream: 'sse',
    problems: ['invalid-request', 'stale', 'too-many-requests'],
  },
});

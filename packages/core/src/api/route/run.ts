import { z } from 'zod';
import { receiptDocument } from '../../receipt/receipt.ts';
import { runIdSchema } from '../common.ts';
import { defineRoutes } from '../route.ts';

/** Runs of every kind: promotions, rollbacks, jobs. */
export const runRoutes = defineRoutes({
  'run.receipt': {
    method: 'GET',
    path: '/v1/runs/:run_id/receipt',
    summary: 'What a run leaves for a person: JSON, or a self-contained page where Accept prefers text/html',
    action: 'run.read',
    listener: 'operator',
    params: z.strictObject({ run_id: runIdSchema }),
    response: receiptDocument,
    problems: ['not-found'],
  },
});

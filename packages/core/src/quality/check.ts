import { z } from 'zod';
import { digestSchema, timestampSchema } from '../api/common.ts';

/**
 * What a quality tool's own word for an outcome becomes. Only `passed` counts as passed: `warned` is a check the tool was told to
 * tolerate, and it never counts towards the score.
 */
export const checkStatuses = ['passed', 'failed', 'error', 'skipped', 'not_evaluated', 'warned'] as const;

/** One normalised quality result: the shape every importer produces and `quality_import.checks` holds. */
export const qualityCheckSchema = z.strictObject({
  name: z.string().min(1).max(512),
  status: z.enum(checkStatuses),
  severity: z.enum(['error', 'warn']).default('error'),
  /** The result's own run time; null when the tool did not say, and then freshness defers. */
  ran_at: timestampSchema.nullable(),
  message: z.string().max(4096).nullable().default(null),
});

/** A check as the kernel sees it: the result, which snapshot it is about, and the import it came from. */
export const checkFactSchema = qualityCheckSchema.extend({
  snapshot_id: z.string(),
  source_kind: z.string(),
  source_digest: digestSchema,
  imported_at: timestampSchema,
});

export type CheckStatus = (typeof checkStatuses)[number];
export type QualityCheck = z.infer<typeof qualityCheckSchema>;
export type CheckFact = z.infer<typeof checkFactSchema>;

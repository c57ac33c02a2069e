import { z } from 'zod';
import { digestSchema, document, schemaVersion, timestampSchema } from '../api/common.ts';
import { canonicalJson } from '../evidence/jcs.ts';

export const stepStatuses = ['success', 'skipped', 'failed'] as const;

const signalSchema = z.object({ name: z.string(), digest: digestSchema, count: z.int().min(0) });

/** What became of a step: a receipt, not monitoring. */
export const manifestRowSchema = z.object({
  step: z.string(),
  status: z.enum(stepStatuses),
  started: timestampSchema,
  ended: timestampSchema,
  exit_code: z.int().nullable(),
  /** Of what was kept of its output, which is an object of that digest. */
  output_digest: digestSchema.nullable(),
  reason: z.string().optional(),
  takeaway: z.string().optional(),
  next_action: z.string().optional(),
  signals: z.array(signalSchema).optional(),
});

export type ManifestRow = z.infer<typeof manifestRowSchema>;
export type StepSignal = z.infer<typeof signalSchema>;

/** Ordered receipts of the steps of a run, stored as an object; its digest is on record. */
export const runManifestDocument = document('RunManifest', {
  run_id: z.string(),
  workspace: z.string(),
  steps: z.array(manifestRowSchema),
});

export function runManifest(run_id: string, workspace: string, steps: readonly ManifestRow[]): Uint8Array {
  return Buffer.from(canonicalJson({ schemaVersion, kind: 'RunManifest', run_id, workspace, steps }));
}

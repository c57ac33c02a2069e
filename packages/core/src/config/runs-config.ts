import { z } from 'zod';
import { durationSchema } from '../policy/duration.ts';

const bytes = z
  .int()
  .min(1024)
  .max(2 ** 50);

/** `runs:` of govd.yaml. */
export const runsConfigSchema = z.strictObject({
  jobs: z
    .strictObject({
      enabled: z
        .boolean()
        .optional()
        .describe('Whether jobs run here. When absent: yes in local_parity, no elsewhere. Steps run as the user of govd.'),
      folder: z.string().min(1).max(4096).optional().describe('Where runs have their folders; `runs` in the state folder when absent.'),
      max_parallel: z.int().min(1).max(256).default(4).describe('Jobs of this host at a time.'),
      kill_grace: durationSchema.default('5s').describe('How long a step may take to end after SIGTERM, before SIGKILL.'),
      output_bytes: bytes
        .max(64 * 1024 * 1024)
        .default(1024 * 1024)
        .describe('How much of what an attempt prints is kept: its beginning and its end.'),
      disk_bytes: bytes.default(10 * 1024 ** 3).describe('What the folder of a run may hold; beyond it the step is ended.'),
      min_free_bytes: bytes.default(64 * 1024 * 1024).describe('A step is ended when the disk has less than this left.'),
      limits: z
        .strictObject({
          steps: z.int().min(1).optional().describe('Steps a job may name. When absent: what the job says.'),
          seconds: z.number().positive().optional().describe('Seconds its steps may take together. When absent: what the job says.'),
          cost_units: z.number().min(0).optional().describe('Budget of its attempts. When absent: what the job says.'),
        })
        .prefault({})
        .describe('What a job may ask for at most. Lowered below what a running job has, it pauses that job at its next check.'),
      env: z
        .array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'the name of an environment variable, like TZ'))
        .max(64)
        .default(['PATH', 'LANG', 'LC_ALL', 'TZ'])
        .describe("Variables of govd's own environment that steps see too; everything else is kept from them."),
    })
    .prefault({})
    .describe('Jobs (docs/job.md).'),
  mid_run: z
    .strictObject({
      enabled: z.boolean().default(true).describe('Whether a job is checked again before its steps.'),
      interval: durationSchema.default('30s').describe('A job is looked at once in so much time at most; after it was resumed, at once.'),
    })
    .prefault({})
    .describe('Checks before each step: suspended tenant, packs that are active no longer, lowered limits.'),
});

export type RunsConfig = z.output<typeof runsConfigSchema>;

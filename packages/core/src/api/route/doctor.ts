import { z } from 'zod';
import { document } from '../common.ts';
import { defineRoutes } from '../route.ts';

/** One thing looked at: what, how it is and why, and what mends it. */
export const doctorFindingSchema = z.object({
  name: z.string(),
  status: z.enum(['pass', 'warn', 'fail']),
  detail: z.string(),
  /** A command that mends it. */
  fix: z.string().nullable(),
});
export type DoctorFinding = z.infer<typeof doctorFindingSchema>;

export const examinationDocument = document('Examination', { checks: z.array(doctorFindingSchema) });

/** What the daemon finds on its own host: disks, clock, keys, schema, log, limits. */
export const doctorRoutes = defineRoutes({
  'doctor.examine': {
    method: 'GET',
    path: '/v1/doctor',
    summary: 'What govd finds on its host: files, keys, disks, clock, schema, log against second place, limits',
    action: 'doctor.read',
    listener: 'operator',
    response: examinationDocument,
    problems: [],
  },
});

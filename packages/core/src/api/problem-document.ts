import { z } from 'zod';
import { type ProblemCode, problemTable } from './problem.ts';

const problemCodes = Object.keys(problemTable) as [ProblemCode, ...ProblemCode[]];

/** RFC 9457 problem details as govd sends them (`application/problem+json`). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(problemCodes),
  detail: z.string(),
  hint: z.string().optional(),
  reasons: z.array(z.object({ path: z.string().optional(), message: z.string() })).optional(),
  request_id: z.string().optional(),
});

export type ProblemDocument = z.infer<typeof problemSchema>;

import { z } from 'zod';
import { nameSchema, timestampSchema } from '../api/common.ts';
import { promotionTypes } from './contract.ts';
import { durationSchema } from './duration.ts';

/** What a rule can be asked on: a promotion type, or the result of a job. A rollback is never asked. */
export const ruleOccasions = [...promotionTypes.filter((type) => type !== 'rollback'), 'run_result'] as const;

const ruleName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'lower-case letters, digits, dash and underscore');
// A date stands for its first moment in UTC.
const momentSchema = z.union([timestampSchema, z.iso.date().transform((date) => `${date}T00:00:00Z`)]);

export const ruleSchema = z.strictObject({
  id: ruleName,
  on: z.array(z.enum(ruleOccasions)).min(1),
  severity: z.enum(['deny', 'defer', 'warn']),
  /** A CEL expression over the gate input that must be true. */
  require: z.string().min(1).max(4096),
  message: z.string().min(1).max(1024),
  resolve: z.strictObject({ who: z.string().min(1).max(256), command: z.string().min(1).max(1024) }),
  /** Until then the rule only says what it would do. */
  effective_on: momentSchema.optional(),
  /** Quality results older than this make the rule defer, whatever it says of them. */
  max_age: durationSchema.optional(),
});

/** One fixture: what the rule is shown, and (by the list it stands in) what it must say. */
export const fixtureSchema = z.strictObject({
  rule: ruleName,
  name: z.string().min(1).max(256).optional(),
  input: z.record(z.string(), z.unknown()),
});

export const packSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('PolicyPack'),
  name: nameSchema,
  version: z.string().min(1).max(64),
  description: z.string().max(4096).optional(),
  rules: z.array(ruleSchema).min(1).max(256),
  tests: z.strictObject({ pass: z.array(fixtureSchema).max(1024), fail: z.array(fixtureSchema).max(1024) }),
});

export type Rule = z.infer<typeof ruleSchema>;
export type Fixture = z.infer<typeof fixtureSchema>;
export type Pack = z.infer<typeof packSchema>;
/** A pack by name and digest of its source, byte for byte. */
export type PackRef = { readonly name: string; readonly version: string; readonly digest: string };

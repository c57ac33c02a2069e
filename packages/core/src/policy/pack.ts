import { z } from 'zod';
import { nameSchema, timestampSchema } from '../api/common.ts';
import { promotionTypes } from './contract.ts';
import { durationSchema } from './duration.ts';

/** What a rule can be asked on: a promotion type, or the result of a job. A rollback is never asked. */
export const ruleOccasions = [...promotionTypes.filter((type) => type !== 'rollback'), 'run_result'] as const;

const ruleName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'a name of lower-case letters, digits, dash and underscore, like enough-checks');
// A date stands for its first moment in UTC.
const momentSchema = z.union([timestampSchema, z.iso.date().transform((date) => `${date}T00:00:00Z`)]);

const ruleSchema = z.strictObject({
  id: ruleName.describe('Names the rule in its pack; its answers are `rule:<pack>/<id>`.'),
  on: z.array(z.enum(ruleOccasions)).min(1).describe('What it is asked on. A rollback is never asked.'),
  severity: z.enum(['deny', 'defer', 'warn']).describe('What comes of it when it does not hold.'),
  require: z
    .string()
    .min(1)
    .max(4096)
    .describe('A CEL expression over the variables below that must be true. One that cannot be evaluated denies.'),
  message: z.string().min(1).max(1024).describe('Why, for whoever is denied.'),
  resolve: z
    .strictObject({
      who: z.string().min(1).max(256).describe('Who can mend it.'),
      command: z.string().min(1).max(1024).describe('With which command. RUN, DATASET and SNAPSHOT in it are shown as those of the run.'),
    })
    .describe('How it is mended.'),
  effective_on: momentSchema.optional().describe('A date or a time; until then the rule only says what it would do.'),
  waivable: z.literal(false).optional().describe('`false` for a rule about integrity or scope: no waiver and no approval sets it aside.'),
  max_age: durationSchema.optional().describe('Quality results older than this make the rule defer, whatever it says of them.'),
});

/** One fixture: what the rule is shown, and (by the list it stands in) what it must say. */
const fixtureSchema = z.strictObject({
  rule: ruleName.describe('The rule that is shown the input.'),
  name: z.string().min(1).max(256).optional().describe('What is special about it.'),
  input: z.record(z.string(), z.unknown()).describe('The variables; whatever is left out is unknown (null).'),
});

export const packSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('PolicyPack'),
  name: nameSchema.describe('One pack of a name is active at a time.'),
  version: z.string().min(1).max(64).describe('For people. A version never changes: other content needs another one.'),
  description: z.string().max(4096).optional(),
  rules: z.array(ruleSchema).min(1).max(256),
  tests: z
    .strictObject({
      pass: z.array(fixtureSchema).max(1024).describe('What the rule must let pass.'),
      fail: z.array(fixtureSchema).max(1024).describe('What it must not.'),
    })
    .describe('Fixtures. Every rule has both kinds, and activation runs them.'),
});

export type Rule = z.infer<typeof ruleSchema>;
export type Fixture = z.infer<typeof fixtureSchema>;
export type Pack = z.infer<typeof packSchema>;
/** A pack by name and digest of its source, byte for byte. */
export type PackRef = { readonly name: string; readonly version: string; readonly digest: string };

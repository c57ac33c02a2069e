import { z } from 'zod';
import { nameSchema } from '../api/common.ts';
import { durationMs, durationSchema } from '../policy/duration.ts';
import type { RecordKind } from './predicate.ts';

/**
 * Kinds whose payloads may go. The others say who may sign and what governs: without them nothing that is left could be understood,
 * and erasures could not be told from losses.
 */
export const disposableKinds = [
  'decision',
  'promotion',
  'approval',
  'waiver',
  'ref-resolution',
  'run-result',
  'audit',
  'verification-summary',
] as const satisfies readonly RecordKind[];

const patterns = z
  .array(z.union([nameSchema, z.literal('*')]))
  .min(1)
  .max(256)
  .default(['*']);

/** How long payloads of some records are kept. */
const retentionRuleSchema = z.strictObject({
  name: nameSchema.describe('Named in the record of what was erased by it.'),
  kinds: z.array(z.enum(disposableKinds)).min(1).describe('Kinds of records.'),
  tenants: patterns.describe('Tenants; `*` is every one.'),
  datasets: patterns.describe('Datasets; `*` is every one, and records that belong to none.'),
  keep_for: durationSchema.describe('How long they are kept, from when they were recorded.'),
});
export type RetentionRule = z.infer<typeof retentionRuleSchema>;

export const retentionSchema = z
  .strictObject({ rules: z.array(retentionRuleSchema).max(64).default([]).describe('Without a rule nothing is ever erased.') })
  .check((context) => {
    const names = context.value.rules.map(({ name }) => name);
    for (const [index, name] of names.entries()) {
      if (names.indexOf(name) !== index)
        context.issues.push({ code: 'custom', input: name, path: ['rules', index, 'name'], message: 'this name is there already' });
    }
  });

/** What of a record decides whether it may go. */
export type RetainedRecord = {
  readonly kind: string;
  readonly tenant_id: string;
  readonly dataset_id: string | null;
  readonly recorded_at: string;
};

/**
 * The rule under which a record's payload may be erased at a moment, or undefined. Where several rules are about a record, the one
 * that keeps it longest decides: a rule that was forgotten erases too little, never too much.
 */
export function disposableUnder(rules: readonly RetentionRule[], record: RetainedRecord, now: string): RetentionRule | undefined {
  let longest: RetentionRule | undefined;
  for (const rule of rules) {
    if (!isAbout(rule, record)) continue;
    if (longest === undefined || durationMs(rule.keep_for) > durationMs(longest.keep_for)) longest = rule;
  }
  if (longest === undefined) return undefined;
  return Date.parse(record.recorded_at) + durationMs(longest.keep_for) < Date.parse(now) ? longest : undefined;
}

function isAbout({ kinds, tenants, datasets }: RetentionRule, { kind, tenant_id, dataset_id }: RetainedRecord): boolean {
  const named = (all: readonly string[], one: string | null) => all.includes('*') || (one !== null && all.includes(one));
  return kinds.some((one) => one === kind) && named(tenants, tenant_id) && named(datasets, dataset_id);
}

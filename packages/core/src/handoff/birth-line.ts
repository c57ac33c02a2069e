import { z } from 'zod';
import { normaliseBornAt } from './moment.ts';

export const objectKeyLimit = 512;
export const objectTypeLimit = 128;
/** Bytes of a payload's JSON text: a birth is an announcement, not a transport. */
export const payloadLimit = 16_384;

export const registryChanges = ['BORN', 'CHANGED', 'RETIRED'] as const;
export type RegistryChange = (typeof registryChanges)[number];

/** Printable, no white space, no control or formatting characters: a key appears in terminals, URLs and logs as it is. */
export const objectKeySchema = z
  .string()
  .min(1)
  .max(objectKeyLimit)
  .regex(/^[^\s\p{C}]+$/u, 'a key of printable characters without white space, like customer/4711');
export const objectTypeSchema = z
  .string()
  .max(objectTypeLimit)
  .regex(/^[a-zA-Z][a-zA-Z0-9_.-]*$/, 'a type: a letter, then letters, digits, underscore, dot and dash, like customer');
export const permitIdSchema = z
  .string()
  .max(128)
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]*$/, 'a permit: letters, digits, dot, underscore and dash');

export const bornAtSchema = z.string().transform((text, context) => {
  const moment = normaliseBornAt(text);
  if (moment !== null) return moment;
  context.issues.push({
    code: 'custom',
    message: 'must be a time in UTC with at most six decimals, like 2026-11-21T03:00:00.123456Z',
    input: text,
  });
  return z.NEVER;
});

const payloadSchema = z
  .record(z.string(), z.json())
  .refine((payload) => JSON.stringify(payload).length <= payloadLimit, `must be at most ${payloadLimit} characters of JSON`);

/** One line of an import, and one birth of `POST /v1/births`: closed, so that a misspelt field is an error and not a loss. */
export const birthLineSchema = z.strictObject({
  change: z.enum(registryChanges),
  object_key: objectKeySchema,
  object_type: objectTypeSchema,
  born_at: bornAtSchema,
  payload: payloadSchema.optional(),
});

export type BirthLine = z.infer<typeof birthLineSchema>;
/** A line as it is sent: the time may still have its own number of decimals. */
export type BirthLineInput = z.input<typeof birthLineSchema>;

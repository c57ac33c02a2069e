import { z } from 'zod';

/** Names chosen by people that become keys: no path separators, no surprises in a shell, at most 128 characters. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9A-Z][a-zA-Z0-9._-]{0,127}$/,
    'a name of letters, digits, dot, underscore and dash that starts with a letter or digit, like orders-2026',
  );
/** A run_id is the caller's idempotency key. */
export const runIdSchema = nameSchema;
export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/, 'a digest: sha256: and 64 lower-case hex digits');
export const refSchema = digestSchema;
/** The holder of a certificate, by its SHA-256 in base64url (RFC 8705). */
export const confirmationSchema = z.strictObject({
  'x5t#S256': z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'the SHA-256 of a certificate: 43 characters of base64url'),
});
/** RFC 3339 in UTC. */
export const timestampSchema = z.iso.datetime({ offset: false, precision: undefined });
export const layers = ['RAW', 'GDP', 'KPI'] as const;
export const layerSchema = z.enum(layers);
export const tenantSchema = nameSchema.default('default');

export type Layer = (typeof layers)[number];

export const schemaVersion = 'govctl/v1' as const;

/** The envelope every JSON document of the product has: `{schemaVersion, kind, ...}`. */
export function document<const K extends string, S extends z.ZodRawShape>(kind: K, shape: S) {
  return z.object({ schemaVersion: z.literal(schemaVersion), kind: z.literal(kind), ...shape });
}

import { z } from 'zod';
import { qualityCheckSchema } from '../quality/check.ts';

const text = z.string().max(1024);

/** A signature over the bundle without its `signers`; the key is looked up among the enrolled ones, never taken from here. */
export const bundleSignerSchema = z.strictObject({ key_id: text, role: text, signature: text });

/**
 * An evidence bundle as an operator submits it: closed, typed, but not yet judged complete. A field that is missing or out of range
 * is for the `bundle-schema` gate to deny with a reason; an unknown field or a wrong type is a malformed request (400).
 */
export const submittedBundleSchema = z
  .strictObject({
    run_id: text,
    subject_ref: text,
    promotion_type: text,
    snapshot_id: text,
    snapshot_hash: text,
    quality_score: z.number(),
    rule_pack_version: text,
    policy_versions: z.array(z.strictObject({ name: text, version: text, digest: text })).max(256),
    inputs: z.array(z.strictObject({ ref: text, digest: text.optional() })).max(4096),
    signers: z.array(bundleSignerSchema).max(64),
    timestamp: text,
    checks: z.array(qualityCheckSchema).max(65_536),
    environment: text,
    tenant_id: text,
    service_release_id: text,
    expected_policy_rev: text,
  })
  .partial();

export type SubmittedBundle = z.infer<typeof submittedBundleSchema>;
export type BundleSigner = z.infer<typeof bundleSignerSchema>;
export type EvidenceBundle = Required<SubmittedBundle>;

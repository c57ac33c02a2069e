import { z } from 'zod';
import { bundleSignerSchema, submittedBundleSchema } from '../decision/bundle.ts';
import { decisionBodySchema } from '../decision/decision.ts';
import { factsSchema } from '../decision/facts.ts';
import { kernelVersion } from '../decision/kernel-version.ts';
import { statementPayloadType } from '../evidence/dsse.ts';
import { jcsDigest } from '../evidence/jcs.ts';
import { predicateSchemas, recordKinds } from '../evidence/predicate.ts';
import { predicateType, statementType } from '../evidence/statement.ts';
import { birthLineSchema } from '../handoff/birth-line.ts';
import { contractSchema } from '../policy/contract.ts';
import { packSchema } from '../policy/pack.ts';
import { manifestSchema } from '../promotion/snapshot.ts';
import { qualityCheckSchema } from '../quality/check.ts';

// What a field is called and takes is shared; how it is explained to people is not.
function shapeOf(schema: z.ZodType, io: 'input' | 'output' = 'output'): unknown {
  return z.toJSONSchema(schema, { io, unrepresentable: 'any', override: ({ jsonSchema }) => delete jsonSchema.description });
}

/** What two deployments must share for a rehearsal on one to mean something on the other. */
export function parityTerms(): Readonly<Record<string, unknown>> {
  return {
    kernel_version: kernelVersion,
    schemas: {
      facts: shapeOf(factsSchema),
      decision: shapeOf(decisionBodySchema),
      evidence_bundle: shapeOf(submittedBundleSchema, 'input'),
      bundle_signer: shapeOf(bundleSignerSchema),
      contract: shapeOf(contractSchema),
      policy_pack: shapeOf(packSchema, 'input'),
      quality_check: shapeOf(qualityCheckSchema),
      birth: shapeOf(birthLineSchema, 'input'),
      manifest: shapeOf(manifestSchema, 'input'),
      predicates: Object.fromEntries(recordKinds.map((kind) => [kind, shapeOf(predicateSchemas[kind])])),
    },
    envelope: {
      payload_type: statementPayloadType,
      statement_type: statementType,
      predicate_types: Object.fromEntries(recordKinds.map((kind) => [kind, predicateType(kind)])),
    },
    // By what each thing is the same thing when it comes a second time.
    dedupe: {
      promotion: ['run_id'],
      record: ['ref'],
      object: ['digest'],
      snapshot: ['tenant_id', 'dataset_id', 'layer', 'snapshot_hash'],
      candidate: ['object_key'],
      event: ['outbox_id', 'index'],
      pointer: ['tenant_id', 'dataset_id', 'layer', 'generation'],
    },
  };
}

/** The `parity_contract`: one digest over the terms, recorded in every fact and compared by `govctl doctor`. */
export function parityContract(): string {
  return jcsDigest(parityTerms());
}

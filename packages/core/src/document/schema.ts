import { z } from 'zod';
import {
  logVerificationDocument,
  logVerifyProgressDocument,
  routeList,
  snapshotVerificationDocument,
  verifyProgressDocument,
} from '../api/index.ts';
import type { Route } from '../api/route.ts';
import { configKinds } from '../config/config-file.ts';
import { factsDocument } from '../decision/facts.ts';
import { evidenceFileSchema } from '../evidence/evidence-file.ts';
import { trustSchema } from '../evidence/trust.ts';
import { fileDocuments, ownDocuments } from './own.ts';

/** A kind of document: its schemas (more than one where govd and govctl say different things under one name), and who makes it. */
export type DocumentSchema = { readonly schemas: readonly z.ZodType[]; readonly from: readonly string[]; readonly io: 'input' | 'output' };

type Json = Record<string, unknown>;

/** Every kind of document of the product, in the order of the alphabet. */
export function documentSchemas(): Readonly<Record<string, DocumentSchema>> {
  const found = new Map<string, { schemas: z.ZodType[]; from: string[]; io: 'input' | 'output' }>();
  const add = (kind: string, schema: z.ZodType, from: string, io: 'input' | 'output' = 'output') => {
    const known = found.get(kind) ?? { schemas: [], from: [], io };
    if (!known.schemas.includes(schema)) known.schemas.push(schema);
    known.from.push(from);
    found.set(kind, known);
  };
  for (const [name, route] of Object.entries(routeList as Readonly<Record<string, Route>>)) {
    const kind = route.response === undefined ? undefined : kindOf(route.response);
    if (route.response !== undefined && kind !== undefined) add(kind, route.response, name);
  }
  for (const [kind, schema] of Object.entries(ownDocuments)) add(kind, schema, 'govctl');
  add('LogVerifyProgress', logVerifyProgressDocument, 'log.verify');
  add('LogVerification', logVerificationDocument, 'log.verify');
  add('VerifyProgress', verifyProgressDocument, 'snapshot.verify');
  add('SnapshotVerification', snapshotVerificationDocument, 'snapshot.verify');
  add('Facts', factsDocument, 'promote --save-facts');
  add('Evidence', evidenceFileSchema, 'evidence get');
  for (const [kind, schema] of Object.entries(fileDocuments)) add(kind, schema, 'evidence export --since');
  for (const [kind, schema] of Object.entries(configKinds)) add(kind, schema, 'a file', 'input');
  add('Trust', trustSchema, 'a file', 'input');
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function kindOf(schema: z.ZodType): string | undefined {
  const { properties } = z.toJSONSchema(schema, { io: 'output', unrepresentable: 'any' });
  const kind = properties?.kind;
  return typeof kind === 'object' && typeof kind.const === 'string' ? kind.const : undefined;
}

/**
 * The JSON Schema (2020-12) of a kind. Documents are additive, so that a program that validates with today's schema takes what is said
 * in addition tomorrow: only what is closed by contract is closed here.
 */
export function jsonSchemaOf(kind: string, { schemas, io }: DocumentSchema): Json {
  const each = schemas.map((schema) => {
    const { $schema: _dialect, ...made } = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema }) => opened(zodSchema, jsonSchema),
    }) as Json;
    return made;
  });
  const body = each.length === 1 ? each[0] : { anyOf: each };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: `urn:govctl:schema:govctl/v1:${kind}`,
    title: kind,
    ...body,
  };
}

function opened(schema: z.core.$ZodTypes, made: Json): void {
  if (schema._zod.def.type === 'object' && schema._zod.def.catchall === undefined && made.additionalProperties === false)
    delete made.additionalProperties;
}

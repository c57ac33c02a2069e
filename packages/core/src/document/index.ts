export type { OwnDocument, OwnKind } from './own-kind.ts';
export { type DocumentSchema, documentSchemas, jsonSchemaOf } from './schema.ts';

import type { z } from 'zod';
import type { ownDocuments } from './own.ts';

/** Kinds of document that govctl makes itself. Types only: a command that prints one loads no schema. */
export type OwnKind = keyof typeof ownDocuments;

type Frozen<T> = T extends readonly (infer E)[] ? readonly Frozen<E>[] : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** What a document of this kind says, besides its envelope. */
export type OwnDocument<K extends OwnKind> = Frozen<Omit<z.input<(typeof ownDocuments)[K]>, 'schemaVersion' | 'kind'>>;

import type { ExitName } from '@govctl/core/api';
import type { OwnDocument, OwnKind } from '@govctl/core/document';
import type { Paint } from './paint.ts';

/** A document of the product: `{schemaVersion, kind, ...}`. */
export type Document = { readonly schemaVersion: 'govctl/v1'; readonly kind: string; readonly [field: string]: unknown };

/**
 * What a command returns. It prints nothing itself; the output layer turns this into what was asked for.
 * `exit` is the verdict where it is not ok: `deny` and `defer` are results, not errors.
 */
export type CommandResult =
  | {
      readonly document: Document;
      readonly exit?: ExitName;
      /** What `-o name` prints; without it the items' ids. */
      readonly names?: readonly string[];
      /** The formats only this command has. */
      readonly renderings?: Readonly<Record<string, () => string>>;
      /** What a person reads, where it depends on more than the document: on flags, or on the width of the terminal. */
      readonly table?: (paint: Paint) => string;
    }
  /**
   * One object after the other, each printed as it comes: watching and tailing. `line` is what a person sees of one (null: all of it); `exit` is
   * asked at the end.
   */
  | {
      readonly stream: AsyncIterable<Readonly<Record<string, unknown>>>;
      readonly line?: (item: Readonly<Record<string, unknown>>) => string | null;
      readonly exit?: () => ExitName;
    }
  /** Text for a person or a shell, the same in every format. */
  | { readonly text: string; readonly exit?: ExitName }
  /** Bytes as they are: an exported file on standard output. */
  | { readonly bytes: AsyncIterable<Uint8Array>; readonly exit?: ExitName };

type Undeclared<K extends OwnKind, F> = { readonly [Name in Exclude<keyof F, keyof OwnDocument<K>>]: never };

/** A document made by the CLI itself: one that has a schema, and no field that this does not know, or it does not compile. */
export function asDocument<K extends OwnKind, F extends OwnDocument<K>>(
  kind: K,
  fields: F & Undeclared<K, F>,
): { schemaVersion: 'govctl/v1'; kind: K } & F {
  return { schemaVersion: 'govctl/v1', kind, ...fields };
}

import { readFileSync, renameSync, rmSync } from 'node:fs';
import type { Ack } from '@govctl/core/audit';
import type { RunRow } from '@govctl/core/promotion';
import type { Logger } from 'pino';
import { z } from 'zod';
import { writeFileDurably } from '../state/index.ts';

/** What a unit that could not be committed would have acknowledged. */
export type NotedSaga = {
  readonly row: Pick<RunRow, 'run_id' | 'tenant_id' | 'dataset_id' | 'to_layer'>;
  readonly acks: readonly Ack[];
  /** The decision that stands all the same: one that was recorded before. */
  readonly decision_ref: string | null;
};

/** What was undone and is not in the database yet, where the end of a daemon does not reach it. */
export type UndoneFile = {
  load(): readonly NotedSaga[];
  /** All of it, each time. */
  keep(noted: readonly NotedSaga[]): void;
};

const stored = z.array(
  z.strictObject({
    row: z.strictObject({ run_id: z.string(), tenant_id: z.string(), dataset_id: z.string(), to_layer: z.string().nullable() }),
    decision_ref: z.string().nullable(),
    acks: z.array(
      z.strictObject({
        domain: z.string(),
        action: z.string(),
        result_id: z.string().nullable(),
        error: z.string().nullable(),
        observed: z.string().nullable(),
        at: z.string(),
        status: z.literal('ROLLED_BACK'),
        rolled_back: z.literal(true),
        rollback_reason: z.string(),
        metadata: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
);

/** In a file beside the database: it is the database that could not be written. */
export function undoneFile(path: string, logger: Logger): UndoneFile {
  return {
    load() {
      let text: string;
      try {
        text = readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
      try {
        return stored.parse(JSON.parse(text));
      } catch (error) {
        const aside = `${path}.unreadable`;
        renameSync(path, aside);
        logger.error({ err: error, aside }, 'what was rolled back before this start cannot be read, and was put aside');
        return [];
      }
    },

    keep(noted) {
      try {
        if (noted.length === 0) rmSync(path, { force: true });
        else writeFileDurably(path, JSON.stringify(noted));
      } catch (error) {
        // The same disk may be full: then it is known for as long as this daemon lives.
        logger.error({ err: error, path }, 'what was rolled back could not be written down either; it is kept in memory');
      }
    },
  };
}

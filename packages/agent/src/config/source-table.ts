import type { GovdConfig } from '@govctl/core/config';
import { embeddedSource, type SourceTables } from '../handoff/index.ts';

/** Where births are read on PostgreSQL: tables of our own, or those that the configuration names. */
export function sourceTables({ handoff }: GovdConfig): SourceTables {
  return handoff.attach ?? embeddedSource(handoff.births_schema);
}

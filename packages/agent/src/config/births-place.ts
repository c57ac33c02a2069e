import type { GovdConfig } from '@govctl/core/config';
import type { BirthsPlace } from '../handoff/index.ts';

/** Where births are on PostgreSQL: in tables of our own, or in those that the configuration names. */
export function birthsPlace({ handoff }: GovdConfig): BirthsPlace {
  const { attach } = handoff;
  return attach === undefined ? { kind: 'embedded', schema: handoff.births_schema } : { kind: 'attached', tables: attach };
}

import type { WriteName } from '@govctl/core/journal';
import type { WriteSql } from '../../db/index.ts';

/** The way back of `event-type.activate`. A batch of the tail holds the row FOR SHARE, so that none is captured and delivered by halves. */
export const eventTypeWriteSql: Record<Extract<WriteName, 'event-type.deactivate'>, WriteSql> = {
  'event-type.deactivate': {
    sql: `UPDATE event_type_registry SET active = 0, changed_at = :changed_at, changed_by = :changed_by
          WHERE event_type = :event_type AND active = 1`,
    changes: 1,
    guard: 'event-type-active',
  },
};

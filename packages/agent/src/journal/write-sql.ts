import type { WriteName } from '@govctl/core/journal';
import { alertWriteSql } from '../alert/write-sql.ts';
import { auditWriteSql } from '../audit/write-sql.ts';
import type { WriteSql } from '../db/index.ts';
import { laneWriteSql } from '../event/lane/write-sql.ts';
import { eventWriteSql } from '../event/write-sql.ts';
import { evidenceWriteSql } from '../evidence/write-sql.ts';
import { replayWriteSql } from '../handoff/replay/write-sql.ts';
import { eventTypeWriteSql } from '../handoff/type/write-sql.ts';
import { handoffWriteSql } from '../handoff/write-sql.ts';
import { identityWriteSql } from '../identity/write-sql.ts';
import { incidentWriteSql } from '../incident/write-sql.ts';
import { jobWriteSql } from '../job/write-sql.ts';
import { leaseWriteSql } from '../lease/write-sql.ts';
import { runControlWriteSql } from '../lock/write-sql.ts';
import { governanceWriteSql } from '../policy/write-sql.ts';
import { promotionWriteSql } from '../promotion/write-sql.ts';
import { snapshotWriteSql } from '../snapshot/write-sql.ts';
import { witnessWriteSql } from '../witness/write-sql.ts';

/** SQL of every write, by name; complete because the compiler says so. */
export const writeSql: Readonly<Record<WriteName, WriteSql>> = {
  ...promotionWriteSql,
  ...governanceWriteSql,
  ...identityWriteSql,
  ...handoffWriteSql,
  ...replayWriteSql,
  ...eventTypeWriteSql,
  ...snapshotWriteSql,
  ...eventWriteSql,
  ...laneWriteSql,
  ...alertWriteSql,
  ...leaseWriteSql,
  ...runControlWriteSql,
  ...evidenceWriteSql,
  ...witnessWriteSql,
  ...jobWriteSql,
  ...incidentWriteSql,
  ...auditWriteSql,
};

import type { AlertWrites } from '../alert/write.ts';
import type { AuditWrites } from '../audit/write.ts';
import type { LaneWrites } from '../event/lane-write.ts';
import type { EventWrites } from '../event/write.ts';
import type { WitnessWrites } from '../evidence/witness-write.ts';
import type { EvidenceWrites } from '../evidence/write.ts';
import type { EventTypeWrites } from '../handoff/event-type.ts';
import type { PermitWrites } from '../handoff/permit.ts';
import type { ReplayWrites } from '../handoff/replay.ts';
import type { HandoffWrites } from '../handoff/write.ts';
import type { IdentityWrites } from '../identity/write.ts';
import type { IncidentWrites } from '../incident/write.ts';
import type { JobWrites } from '../job/write.ts';
import type { LeaseWrites } from '../lease/lease.ts';
import type { GovernanceWrites } from '../policy/write.ts';
import type { SnapshotWrites } from '../promotion/snapshot-write.ts';
import type { PromotionWrites } from '../promotion/write.ts';
import type { RunControlWrites } from '../run/write.ts';

/**
 * Every write the journal knows: name -> values. Each domain declares its own beside its rules (`<domain>/write.ts`);
 * the agent holds one SQL statement per name, with the guard in its predicate. The compiler proves that none is missing.
 */
export interface Writes
  extends PromotionWrites,
    GovernanceWrites,
    IdentityWrites,
    SnapshotWrites,
    HandoffWrites,
    ReplayWrites,
    PermitWrites,
    EventTypeWrites,
    EventWrites,
    LaneWrites,
    AlertWrites,
    LeaseWrites,
    RunControlWrites,
    WitnessWrites,
    JobWrites,
    IncidentWrites,
    AuditWrites,
    EvidenceWrites {}

export type WriteName = keyof Writes;

/** One row change, as data. Values are the statement's named parameters. */
export type Change = { readonly [K in WriteName]: { readonly write: K; readonly values: Writes[K] } }[WriteName];

import { accessRoutes } from './route/access.ts';
import { alertRoutes } from './route/alert.ts';
import { approvalRoutes } from './route/approval.ts';
import { auditRoutes } from './route/audit.ts';
import { backupRoutes } from './route/backup.ts';
import { contractRoutes } from './route/contract.ts';
import { decisionRoutes } from './route/decision.ts';
import { dispositionRoutes } from './route/disposition.ts';
import { doctorRoutes } from './route/doctor.ts';
import { eventRoutes } from './route/event.ts';
import { eventLaneRoutes } from './route/event-lane.ts';
import { evidenceRoutes } from './route/evidence.ts';
import { gateRoutes } from './route/gate.ts';
import { handoffRoutes } from './route/handoff.ts';
import { handoffOperationRoutes } from './route/handoff-operation.ts';
import { handoffPermitRoutes } from './route/handoff-permit.ts';
import { handoffReplayRoutes } from './route/handoff-replay.ts';
import { handoffTypeRoutes } from './route/handoff-type.ts';
import { identityRoutes } from './route/identity.ts';
import { incidentRoutes } from './route/incident.ts';
import { jobRoutes } from './route/job.ts';
import { lockRoutes } from './route/lock.ts';
import { logRoutes } from './route/log.ts';
import { pauseJobRoutes, pauseRoutes } from './route/pause.ts';
import { policyRoutes } from './route/policy.ts';
import { preflightRoutes } from './route/preflight.ts';
import { promotionRoutes } from './route/promotion.ts';
import { qualityRoutes } from './route/quality.ts';
import { runRoutes } from './route/run.ts';
import { snapshotRoutes } from './route/snapshot.ts';
import { systemRoutes } from './route/system.ts';
import { tenantRoutes } from './route/tenant.ts';
import { waiverRoutes } from './route/waiver.ts';
import { defineRoutes } from './route.ts';

/** Every route of govd, by name. The typed client calls them by these names. */
export const routeList = defineRoutes({
  ...systemRoutes,
  ...promotionRoutes,
  ...approvalRoutes,
  ...pauseRoutes,
  ...lockRoutes,
  ...tenantRoutes,
  ...auditRoutes,
  ...jobRoutes,
  ...pauseJobRoutes,
  ...runRoutes,
  ...incidentRoutes,
  ...snapshotRoutes,
  ...evidenceRoutes,
  ...accessRoutes,
  ...logRoutes,
  ...decisionRoutes,
  ...dispositionRoutes,
  ...handoffRoutes,
  ...handoffOperationRoutes,
  ...handoffPermitRoutes,
  ...handoffTypeRoutes,
  ...handoffReplayRoutes,
  ...preflightRoutes,
  ...eventRoutes,
  ...eventLaneRoutes,
  ...alertRoutes,
  ...identityRoutes,
  ...qualityRoutes,
  ...policyRoutes,
  ...gateRoutes,
  ...contractRoutes,
  ...waiverRoutes,
  ...backupRoutes,
  ...doctorRoutes,
});

export type RouteList = typeof routeList;
export type RouteName = keyof RouteList;

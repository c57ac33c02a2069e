import { auditRoutes } from './route/audit.ts';
import { backupRoutes } from './route/backup.ts';
import { contractRoutes } from './route/contract.ts';
import { doctorRoutes } from './route/doctor.ts';
import { eventRoutes } from './route/event.ts';
import { evidenceRoutes } from './route/evidence.ts';
import { gateRoutes } from './route/gate.ts';
import { handoffRoutes } from './route/handoff.ts';
import { identityRoutes } from './route/identity.ts';
import { policyRoutes } from './route/policy.ts';
import { promotionRoutes } from './route/promotion.ts';
import { qualityRoutes } from './route/quality.ts';
import { snapshotRoutes } from './route/snapshot.ts';
import { systemRoutes } from './route/system.ts';
import { defineRoutes } from './route.ts';

/** Every route of govd, by name. The typed client calls them by these names. */
export const routeList = defineRoutes({
  ...systemRoutes,
  ...promotionRoutes,
  ...auditRoutes,
  ...snapshotRoutes,
  ...evidenceRoutes,
  ...handoffRoutes,
  ...eventRoutes,
  ...identityRoutes,
  ...qualityRoutes,
  ...policyRoutes,
  ...gateRoutes,
  ...contractRoutes,
  ...backupRoutes,
  ...doctorRoutes,
});

export type RouteList = typeof routeList;
export type RouteName = keyof RouteList;

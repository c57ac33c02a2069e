import { auditRoutes } from './route/audit.ts';
import { eventRoutes } from './route/event.ts';
import { handoffRoutes } from './route/handoff.ts';
import { identityRoutes } from './route/identity.ts';
import { promotionRoutes } from './route/promotion.ts';
import { snapshotRoutes } from './route/snapshot.ts';
import { systemRoutes } from './route/system.ts';
import { defineRoutes } from './route.ts';

/** Every route of govd, by name. The typed client calls them by these names. */
export const routeList = defineRoutes({
  ...systemRoutes,
  ...promotionRoutes,
  ...auditRoutes,
  ...snapshotRoutes,
  ...handoffRoutes,
  ...eventRoutes,
  ...identityRoutes,
});

export type RouteList = typeof routeList;
export type RouteName = keyof RouteList;

import { promotionRoutes } from './route/promotion.ts';
import { snapshotRoutes } from './route/snapshot.ts';
import { systemRoutes } from './route/system.ts';
import { defineRoutes } from './route.ts';

/** Every route of govd, by name. The typed client calls them by these names. */
export const routeList = defineRoutes({
  ...systemRoutes,
  ...promotionRoutes,
  ...snapshotRoutes,
});

export type RouteList = typeof routeList;
export type RouteName = keyof RouteList;

import { defineRoutes } from './route.ts';
import { systemRoutes } from './route/system.ts';

/** Every route of govd, by name. The typed client calls them by these names. */
export const routeList = defineRoutes({
  ...systemRoutes,
});

export type RouteList = typeof routeList;
export type RouteName = keyof RouteList;

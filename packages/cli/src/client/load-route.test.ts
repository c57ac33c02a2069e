import { routeList } from '@govctl/core/api';
import { expect, it } from 'vitest';
import { loadRoute } from './load-route.ts';

it('finds every route there is, and no other', async () => {
  for (const [name, route] of Object.entries(routeList)) expect(await loadRoute(name), name).toBe(route);
  for (const name of ['promotion.nothing', 'nothing.get', 'constructor.name', ''])
    await expect(loadRoute(name)).rejects.toMatchObject({ code: 'internal', message: `there is no route ${name}` });
});

import type { accessRoutes } from '@govctl/core/api';
import type { Handlers } from '../http/index.ts';
import type { AccessDependencies } from './access.ts';
import { fetchHandlers } from './fetch.ts';
import { resolveHandler } from './resolve.ts';
import { revokeHandlers } from './revoke.ts';

/** Access to one record: first recorded and committed, then a URL that opens it once, and can be taken back. */
export function accessHandlers(deps: AccessDependencies): Handlers<typeof accessRoutes> {
  return { ...resolveHandler(deps), ...fetchHandlers(deps), ...revokeHandlers(deps) };
}

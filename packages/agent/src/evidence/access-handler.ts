import type { evidenceRoutes } from '@govctl/core/api';
import type { Handlers } from '../http/index.ts';
import type { AccessDependencies } from './access.ts';
import { fetchHandlers } from './fetch.ts';
import { resolveHandler } from './resolve.ts';
import { revokeHandlers } from './revoke.ts';

/** Access to one record: first recorded and committed, then a URL that opens it once, and can be taken back. */
export function accessHandlers(
  deps: AccessDependencies,
): Pick<
  Handlers<typeof evidenceRoutes>,
  'evidence.resolve' | 'evidence.fetch' | 'evidence.head' | 'evidence.capabilities' | 'evidence.revoke'
> {
  return { ...resolveHandler(deps), ...fetchHandlers(deps), ...revokeHandlers(deps) };
}

import { schemaVersion, type systemRoutes } from '@govctl/core/api';
import { kernelVersion } from '@govctl/core/decision';
import type { Registry } from 'prom-client';
import { type Handlers, Reply } from '../http/index.ts';
import { askReadiness, type ReadinessCheck } from './readiness.ts';

export type SystemDependencies = {
  readonly version: string;
  readonly service_release_id: string;
  readonly api: { readonly min: number; readonly max: number };
  readonly schema: number;
  readonly environment: string;
  readonly parity_contract: string;
  readonly registry: Registry;
  readonly readiness: readonly ReadinessCheck[];
  readonly openapi: () => Record<string, unknown>;
};

/** Alive, ready, metrics, version. */
export function systemHandlers(deps: SystemDependencies): Handlers<typeof systemRoutes> {
  return {
    // Never touches the database: a supervisor that restarts on it must not restart because a disk is slow.
    'system.health': async () => new Reply(200, 'ok\n', { 'content-type': 'text/plain; charset=utf-8' }),

    async 'system.ready'() {
      const { ready, checks } = askReadiness(deps.readiness);
      const document = { schemaVersion, kind: 'Readiness' as const, ready, checks: [...checks] };
      return ready ? document : new Reply(503, JSON.stringify(document), { 'content-type': 'application/json; charset=utf-8' });
    },

    'system.metrics': async () => new Reply(200, await deps.registry.metrics(), { 'content-type': deps.registry.contentType }),

    'system.version': async () => ({
      schemaVersion,
      kind: 'Version' as const,
      version: deps.version,
      service_release_id: deps.service_release_id,
      api: deps.api,
      kernel_version: kernelVersion,
      schema: deps.schema,
      environment: deps.environment,
      parity_contract: deps.parity_contract,
    }),

    'system.openapi': async () => deps.openapi(),
  };
}

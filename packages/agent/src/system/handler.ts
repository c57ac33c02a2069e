import { schemaVersion, type systemRoutes } from '@govctl/core/api';
import { kernelVersion } from '@govctl/core/decision';
import type { Registry } from 'prom-client';
import { type Handlers, Reply } from '../http/index.ts';

type ReadinessCheck = { readonly name: string; check(): { readonly ok: boolean; readonly detail: string } };

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
      const checks = deps.readiness.map(({ name, check }) => {
        try {
          return { name, ...check() };
        } catch (error) {
          return { name, ok: false, detail: (error as Error).message };
        }
      });
      const ready = checks.every((check) => check.ok);
      const document = { schemaVersion, kind: 'Readiness', ready, checks } as const;
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

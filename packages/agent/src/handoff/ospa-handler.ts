import { type handoffRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { authorizeBuilds } from '@govctl/core/handoff';
import type { Handlers } from '../http/index.ts';
import type { HandoffDependencies } from './handler-port.ts';
import { ospaList } from './queries.ts';
import { contextOf } from './request.ts';

/** Build authorizations, by people only: at least one opens activation. */
export function ospaHandlers(deps: HandoffDependencies): Pick<Handlers<typeof handoffRoutes>, 'ospa.list' | 'ospa.authorize'> {
  const { database, journal } = deps;
  return {
    'ospa.list': async () => {
      const [items] = await database.read([ospaList({})]);
      return { schemaVersion, kind: 'BuildAuthorizationList', items };
    },

    'ospa.authorize': async ({ body, actor, now }) => {
      if (actor.source_type !== 'HUMAN') {
        throw new Problem('forbidden', {
          detail: `${actor.actor_id} is a service; only a person may authorise builds`,
          hint: 'use the API key of a person: govctl apikey add --actor HUMAN::<id> --action ospa.authorize',
        });
      }
      const authorization_id = body.authorization_id ?? `ospa-${deps.randomHex(8)}`;
      const { scope, reason } = body;
      const result = await journal.commit(authorizeBuilds(contextOf(deps, actor, now), { authorization_id, scope, reason }));
      const ref = result.ok ? result.committed.records[0]?.ref : undefined;
      if (ref === undefined) {
        throw new Problem('conflict', { detail: `authorization ${authorization_id} exists`, hint: 'leave --id out to get a new one' });
      }
      return {
        schemaVersion,
        kind: 'BuildAuthorization',
        authorization_id,
        scope,
        reason,
        authorized_by: actor.actor_id,
        authorized_at: now,
        evidence_ref: ref,
      };
    },
  };
}

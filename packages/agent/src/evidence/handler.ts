import { type accessRoutes, type decisionRoutes, type evidenceRoutes, type logRoutes, type RouteName, refSchema } from '@govctl/core/api';
import type { Handlers } from '../http/index.ts';
import type { Refusal } from '../http/server.ts';
import type { AccessDependencies } from './access.ts';
import { accessHandlers } from './access-handler.ts';
import { type ArchiveDependencies, archiveHandler } from './archive-handler.ts';
import { decisionListHandler } from './decision-list.ts';
import { type LogDependencies, logHandlers } from './log-handler.ts';
import { recordWithCover } from './queries.ts';
import { type RecordDependencies, recordHandlers } from './record-handler.ts';
import { recordDenial } from './resolution.ts';
import { verifyHandler } from './verify-handler.ts';

export type EvidenceDependencies = AccessDependencies & ArchiveDependencies & RecordDependencies & LogDependencies;

type EvidenceRoutes = typeof evidenceRoutes & typeof accessRoutes & typeof logRoutes & typeof decisionRoutes;

/** Everything about evidence: records, access to them, the log they stand in, its verification. */
export function evidenceHandlers(deps: EvidenceDependencies): Handlers<EvidenceRoutes> {
  const { database, checkpointOf } = deps;
  return {
    ...recordHandlers(deps),
    ...archiveHandler(deps),
    ...decisionListHandler(deps.database),
    ...accessHandlers(deps),
    ...logHandlers(deps),
    ...verifyHandler({ database, checkpointOf, trust: deps.trust.root }),
  };
}

/** Records the refusal of an authenticated actor who has no grant to resolve any ref at all. */
export function deniedResolution(deps: AccessDependencies): (refusal: Refusal) => Promise<void> {
  return async ({ route, actor, params, request_id, now }) => {
    if (route !== ('evidence.resolve' satisfies RouteName)) return;
    const ref = refSchema.safeParse((params as { ref?: unknown } | undefined)?.ref);
    if (!ref.success) return;
    const [[record]] = await deps.database.read([recordWithCover({ ref: ref.data })]);
    if (record === undefined) return;
    const reason = 'no grant for evidence.read';
    await recordDenial(deps, { actor, ref: ref.data, owner: record, reason, jti: null, request_id, now });
  };
}

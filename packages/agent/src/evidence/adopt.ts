import { userInfo } from 'node:os';
import { Problem } from '@govctl/core/api';
import { type Digest, digestOf, draftRecord, type RecordDraft, subjectOf } from '@govctl/core/evidence';
import type { Database } from '../db/index.ts';
import type { CommitResult } from '../journal/index.ts';
import type { CheckpointOf } from './evidence-bytes.ts';
import { committedHead } from './log-state.ts';
import type { PinnedTrust } from './read-trust.ts';
import { compareLog, type LogStanding } from './second-place.ts';
import { type LogVerifyProgress, verifyLog } from './verify-log.ts';

export type AdoptDependencies = {
  readonly database: Database;
  readonly trust: PinnedTrust;
  /** Signs without asking the second place: declaring what replaces it is what this is for. */
  readonly checkpointOf: CheckpointOf;
  readonly commit: (record: RecordDraft) => Promise<CommitResult>;
  /** The second place: what lies there, and how to replace it durably. */
  readonly readNote: () => Promise<string | null>;
  readonly writeNote: (note: string) => Promise<void>;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly progress: (progress: LogVerifyProgress) => void;
};

export type Adopted = { readonly ref: string; readonly tree_size: number; readonly replaced_size: number | null; readonly why: string };

/**
 * Declares that the database, although it does not continue what was signed last, is the log from now on: after a restore from a
 * backup, or when the second place is lost. The declaration is a record in the log itself, and says what it replaces.
 *
 * @throws Problem `conflict` when there is nothing to declare, `integrity` when the log itself does not verify or the second place
 * holds something else than a checkpoint of this log
 */
export async function adoptLog(deps: AdoptDependencies, reason: string): Promise<Adopted> {
  const note = await deps.readNote();
  const standing = await compareLog(deps.database, deps.trust.root, note);
  const why = replaceable(standing);
  await requireSound(deps);
  const head = await committedHead(deps.database);
  const last = 'last' in standing ? standing.last : null;
  const replaced: Digest | null = note === null ? null : digestOf(note);
  const at = deps.now();
  const { uid, username } = userInfo();
  const record = draftRecord({
    kind: 'governance-fact',
    subject: [subjectOf('log', `sha256:${Buffer.from(head.root).toString('hex')}`)],
    predicate: {
      environment: deps.deployment.environment,
      service_release_id: deps.deployment.service_release_id,
      actor: { actor_id: `HUMAN::${username}`, authenticated_by: `os-user:${uid}` },
      salt: deps.randomHex(16),
      previous: null,
      fact: 'log.adopt',
      subject: `log/${deps.trust.root.origin}`,
      digest: null,
      reason,
      detail: {
        why: standing.is,
        size: head.size,
        root: Buffer.from(head.root).toString('base64'),
        replaced_size: last?.size ?? null,
        replaced_root: last === null ? null : Buffer.from(last.root).toString('base64'),
        replaced_checkpoint: replaced,
      },
    },
    run_id: null,
    tenant_id: 'default',
    dataset_id: null,
    recorded_at: at,
  });
  const result = await deps.commit(record);
  if (!result.ok || result.proof.checkpoint === null) throw new Error('the declaration was not committed');
  await deps.writeNote(result.proof.checkpoint);
  return { ref: record.ref, tree_size: head.size + 1, replaced_size: last?.size ?? null, why };
}

function replaceable(standing: LogStanding): string {
  switch (standing.is) {
    case 'behind':
    case 'forked':
    case 'unpinned':
      return standing.why;
    case 'unreadable':
      throw new Problem('integrity', {
        detail: standing.why,
        hint: 'put the right file back; or, when it is lost for good, move this one away and adopt then',
      });
    case 'new':
    case 'continues':
      throw new Problem('conflict', {
        detail: 'there is nothing to adopt: the log continues what was signed last',
        hint: 'govd run --state-dir D',
      });
  }
}

/** What is adopted must be whole, and by the keys that verifiers pinned: a log signed again by somebody else is not a restore. */
async function requireSound({ database, trust, checkpointOf, progress }: AdoptDependencies): Promise<void> {
  const work = verifyLog({ database, trust: trust.root, checkpointOf });
  for (;;) {
    const step = await work.next();
    if (step.done !== true) {
      progress(step.value);
      continue;
    }
    const { verified, failed, failures } = step.value;
    if (verified) return;
    throw new Problem('integrity', {
      detail: `the log in the database does not verify (${failed} findings): it cannot be adopted`,
      hint: 'restore a backup that does',
      reasons: failures.slice(0, 5).map(({ check, subject, detail }) => ({ path: subject, message: `${check}: ${detail}` })),
    });
  }
}

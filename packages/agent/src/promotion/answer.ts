import type { DecisionBody } from '@govctl/core/decision';
import { type PlaceInLog, type Planned, type PromotionDocument, type RunRow, type RunState, renderPromotion } from '@govctl/core/promotion';
import type { Database } from '../db/index.ts';
import type { CommitResult } from '../journal/index.ts';
import { type ApprovalRow, approvalsOfRun, recordByRef } from './queries.ts';

/** What the log can say of a leaf under a committed head. */
export type LogReader = {
  /** Inclusion proof (base64) of a leaf in the tree of a committed size, and that tree's signed checkpoint. */
  place(ref: string, leafIndex: number, treeSize: number): Promise<PlaceInLog>;
};

export type PromotionAnswers = {
  /** From what was just committed, without reading anything back. */
  fresh(planned: Planned, result: CommitResult & { ok: true }): PromotionDocument;
  /** From what is stored; the same bytes as `fresh` gave. */
  answer(run: RunRow): Promise<PromotionDocument>;
};

type StoredDecision = { readonly predicate: { readonly decision: DecisionBody; readonly decision_digest: string } };

/** The record an answer proves: the promotion if there is one, else the decision. */
function provenRef(row: RunRow): string | null {
  return row.evidence_ref ?? row.decision_ref;
}

export function promotionAnswers(database: Database, log: LogReader): PromotionAnswers {
  return {
    // Nobody can have approved a run that did not exist until now.
    fresh(planned, { committed, proof }) {
      const ref = provenRef(planned.row);
      const record = committed.records.find((one) => one.ref === ref);
      const evidence =
        record === undefined || committed.tree_size === undefined || proof.checkpoint === null
          ? null
          : {
              ref: record.ref,
              leaf_index: record.leaf_index,
              tree_size: committed.tree_size,
              proof: proof.prove(record.leaf_index).map((hash) => Buffer.from(hash).toString('base64')),
              checkpoint: proof.checkpoint,
            };
      return renderPromotion(
        planned.row,
        planned.state,
        { body: planned.decision, decision_digest: planned.decision_digest },
        evidence,
        [],
      );
    },

    async answer(run) {
      const proven = provenRef(run);
      const [decisions, places, said] = await database.read([
        recordByRef({ ref: run.decision_ref ?? '' }),
        recordByRef({ ref: proven ?? '' }),
        approvalsOfRun({ run_id: run.run_id }),
      ]);
      const payload = decisions[0]?.payload ?? null;
      // Our own record, stored as it was signed: read in the order it was written, so that both answers are the same bytes.
      const stored = payload === null ? null : (JSON.parse(Buffer.from(payload).toString('utf8')) as StoredDecision);
      const decision = stored === null ? null : { body: stored.predicate.decision, decision_digest: stored.predicate.decision_digest };
      const place = places[0];
      const evidence =
        place === undefined || place.covering_size === null ? null : await log.place(place.ref, place.leaf_index, place.covering_size);
      return renderPromotion(run, JSON.parse(run.state) as RunState, decision, evidence, said.map(approvalOf));
    },
  };
}

function approvalOf(row: ApprovalRow): PromotionDocument['approvals'][number] {
  const { approval_id, verdict, actor_id, role, reason, given_at, expires_at, used_by, evidence_ref } = row;
  const overrides = JSON.parse(row.overrides) as string[];
  return { approval_id, verdict, actor_id, role, reason, overrides, given_at, expires_at, used_by, evidence_ref };
}

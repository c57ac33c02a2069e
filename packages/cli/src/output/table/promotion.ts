import { addressed, exceptionText } from '@govctl/core/decision';
import type { PromotionDocument } from '@govctl/core/promotion';
import { type Paint, paintWord } from '../paint.ts';
import type { Document } from '../result.ts';
import { answerLines, countText, nextLines } from './gate-answer.ts';
import { pausePairs } from './pause.ts';
import { pairs } from './text.ts';

type Pair = readonly [name: string, value: unknown];

/** A promotion: how it stands in words, what stands against it, where its evidence is, and what comes next. */
export function promotionTable(document: Document, paint: Paint): string {
  const promotion = document as unknown as PromotionDocument;
  const { decision, active, evidence, pending_audit: audit, explanation } = promotion;
  const gates = addressed(decision?.gates ?? [], promotion);
  const against = gates.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer');
  const facts: Pair[] = [
    ['run_id', promotion.run_id],
    ['phase', `${promotion.phase}/${promotion.status}, since ${promotion.phases.at(-1)?.at ?? promotion.updated_at}`],
    ['snapshot', promotion.snapshot_id],
    ['tenant', promotion.tenant_id],
    ...optional('rolls back', promotion.rolls_back),
    ...optional('supersedes', promotion.supersedes),
    ...optional('after job', promotion.job_run_id),
    ...optional('reason', promotion.reason),
    ...(decision === null ? [] : [['decision', `${decision.decision}, by ${decision.decided_by}; ${countText(gates)}`] as const]),
    ...(decision?.exceptions === undefined ? [] : [['in spite of', exceptionText(decision.exceptions)] as const]),
    ...promotion.approvals.map((approval) => [approval.verdict === 'reject' ? 'rejected' : 'approved', sayingText(approval)] as const),
    ...optional('decision_ref', promotion.decision_ref),
    ...(evidence === null ? [] : [['evidence', `${evidence.ref}, leaf ${evidence.leaf_index} of ${evidence.tree_size}`] as const]),
    ...(active === null ? [] : [['active', `${active.dataset_id} ${active.layer}, generation ${active.generation}`] as const]),
    ...pausePairs(promotion.pause),
    ...optional('asked again', promotion.next_eligible_at),
    ...optional('at the latest', isOpen(promotion) && promotion.pause === null ? promotion.defer_until : null),
    ...(promotion.risk_level === 'normal' ? [] : [['risk', promotion.risk_level] as const]),
    ...(promotion.observability_status === null
      ? []
      : [['trace', `${promotion.observability_status}: ${promotion.observability_error ?? ''}`] as const]),
    ...(audit === null ? [] : [['pending audit', `${audit.audit_id}, owed by ${audit.owner} until ${audit.due_at}`] as const]),
    ...optional('incident', promotion.incident_id),
    ['phases', promotion.phases.map(({ phase, status }) => `${phase}/${status}`).join(' > ')],
  ];
  return [
    `${headline(promotion, paint)}\n`,
    explanation === undefined
      ? answerLines(against, paint, { full: false })
      : answerLines(
          [explanation.denied_by, explanation.waiting_on, explanation.warnings, explanation.passed, explanation.not_required].flat(),
          paint,
          {
            full: true,
          },
        ),
    pairs(facts, paint),
    nextLines(explanation?.next ?? next(promotion), paint),
  ].join('');
}

/** Who said it, as what and why, and how long it is good for. */
export function sayingText(approval: Omit<PromotionDocument['approvals'][number], 'approval_id' | 'evidence_ref'>): string {
  const { actor_id, role, reason, overrides, given_at, expires_at, used_by, verdict } = approval;
  const until = verdict === 'reject' ? '' : used_by === null ? `, good until ${expires_at}` : ', used';
  const aside = overrides.length === 0 ? '' : `, overrides ${overrides.join(', ')}`;
  return `${given_at} by ${actor_id} (${role})${until}${aside}: ${reason}`;
}

function optional(name: string, value: string | null): Pair[] {
  return value === null ? [] : [[name, value]];
}

function isOpen({ phase }: PromotionDocument): boolean {
  return phase !== 'COMPLETED' && phase !== 'FAILED';
}

const endings: Readonly<Record<string, string>> = { timeout: ' (the time to wait ran out)', human: ' (a person rejected it)' };

function headline(promotion: PromotionDocument, paint: Paint): string {
  const { run_kind, dataset_id, from_layer, to_layer, phase, status, decision } = promotion;
  const what = run_kind === 'rollback' ? `${dataset_id} ${to_layer}` : `${dataset_id} ${from_layer} -> ${to_layer}`;
  if (phase === 'COMPLETED') {
    const spite = exceptionText(decision?.exceptions);
    return `${paint.good(run_kind === 'rollback' ? 'rolled back' : 'promoted')}: ${what}${spite === '' ? '' : ` (with ${spite})`}`;
  }
  if (status === 'failed_policy') return `${paint.bad('denied')}: ${what}${endings[decision?.decided_by ?? 'policy'] ?? ''}`;
  if (phase === 'FAILED') return `${paint.bad(status === 'cancelled' ? 'cancelled' : 'failed')}: ${what}`;
  if (status === 'paused') return `${paint.wait('paused')}: ${what}`;
  return `${status === 'deferred' ? paint.wait('deferred') : paintWord(paint, 'open')}: ${what}`;
}

function next(promotion: PromotionDocument) {
  const { run_id, phase, status, decision, evidence, pending_audit, dataset_id, pause } = promotion;
  if (phase === 'COMPLETED') {
    return [
      ...(evidence === null
        ? []
        : [{ who: 'to keep, and verify offline', command: `govctl evidence get ${evidence.ref} -O evidence.json` }]),
      ...(pending_audit === null
        ? []
        : [
            { who: pending_audit.owner, command: `govctl audit close ${pending_audit.audit_id} --reason TEXT` },
            { who: 'an operator', command: `govctl hold ls --dataset ${dataset_id}` },
          ]),
    ];
  }
  if (status === 'failed_policy')
    return [{ who: 'every gate and rule; a denied run stays denied: mend it, then promote again', command: `govctl why ${run_id}` }];
  if (status === 'cancelled') return jobLeftOver(promotion);
  if (phase === 'FAILED') return promotion.lesson === null ? [] : [{ who: 'what helps', command: promotion.lesson.next_action }];
  if (status === 'paused')
    return [
      { who: pause?.authorities.join(' or ') ?? 'who may', command: `govctl promotion resume ${run_id} --reason TEXT` },
      { who: 'to end it', command: `govctl promotion cancel ${run_id} --reason TEXT` },
    ];
  const fixes = addressed(decision?.gates ?? [], promotion).flatMap(({ outcome, resolve }) =>
    outcome === 'defer' && resolve !== null ? [resolve] : [],
  );
  const once = new Map(fixes.map((fix) => [fix.command, fix]));
  return [...once.values(), { who: 'it is asked again by itself', command: `govctl promotion watch ${run_id}` }];
}

/** Whoever ends a promotion that waited for a job has not ended the job. */
function jobLeftOver({ job_run_id, decision }: PromotionDocument) {
  const waited = decision?.gates.some(({ reason_code }) => reason_code === 'job-open') === true;
  return waited && job_run_id !== null
    ? [{ who: 'its job goes on without it; to end that too', command: `govctl run stop ${job_run_id} --reason TEXT` }]
    : [];
}

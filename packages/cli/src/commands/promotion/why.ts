import { Problem } from '@govctl/core/api';
import { explain } from '@govctl/core/decision';
import type { PromotionDocument } from '@govctl/core/promotion';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { receiptText } from '../../output/table/receipt.ts';
import type { why } from './declaration.ts';

export const run: Run<typeof why> = async ({ client, io }, { run }) => {
  const promotion = await client.call('promotion.get', { params: { run_id: run } }).catch(unlessNotFound);
  if (promotion === undefined) {
    // A job: what became of its steps is as much a reason as its decision, and its receipt tells both.
    const receipt = await client.call('run.receipt', { params: { run_id: run } });
    return { document: receipt, table: (paint) => receiptText(receipt, { paint, columns: io.streams.stdout.columns, details: false }) };
  }
  const { decision, phase, status } = promotion;
  if (decision === null) {
    throw new Problem('not-found', {
      detail: `run ${run} is ${phase}/${status}: nothing is decided yet`,
      hint: `govctl promotion watch ${run}`,
    });
  }
  const { decided_by, promotion_type, policy_rev } = decision;
  return {
    document: asDocument('Explanation', {
      run_id: run,
      phase,
      status,
      decided_by,
      promotion_type,
      policy_rev,
      ...explain(decision),
      lesson: promotion.lesson,
      incident_id: promotion.incident_id,
      approvals: promotion.approvals.map(saidOf),
    }),
  };
};

function unlessNotFound(error: unknown): undefined {
  if (error instanceof Problem && error.code === 'not-found') return undefined;
  throw error;
}

function saidOf({ verdict, actor_id, role, reason, overrides, given_at, expires_at, used_by }: PromotionDocument['approvals'][number]) {
  return { verdict, actor_id, role, reason, overrides, given_at, expires_at, used_by };
}

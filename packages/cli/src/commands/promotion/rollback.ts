import type { Run } from '../../command.ts';
import type { promotionRollback } from './declaration.ts';
import { answered } from './dry-run.ts';
import { shown, unsure } from './perform.ts';
import { newRunId } from './run-id.ts';

/** Every byte of the version to go back to is read again before the answer: a large one takes its time. */
const patienceMs = 30 * 60_000;

export const run: Run<typeof promotionRollback> = async (context, { run }, flags) => {
  const { client, io, globals } = context;
  const run_id = flags.runId ?? newRunId(context.now());
  const body = {
    run_id,
    reason: flags.reason,
    ...(flags.expectedPolicyRev === undefined ? {} : { expected_policy_rev: flags.expectedPolicyRev }),
  };
  const patience = { timeoutMs: globals.timeout ?? patienceMs };
  if (flags.dryRun !== undefined) {
    const where = flags.dryRun;
    const rehearsal = { ...body, with_sources: where === 'local' };
    const { facts, decision } = await client.call('promotion.rollback-evaluate', { params: { run_id: run }, body: rehearsal }, patience);
    return answered(facts, decision, where, flags.explain);
  }
  const left = await client.call('promotion.get', { params: { run_id: run } });
  await io.confirm({
    question: `Put ${left.dataset_id} ${left.to_layer} back to its last verified version? Snapshot ${left.snapshot_id} is quarantined and the layer goes on hold.`,
    flag: '--yes',
  });
  await io.note(`run_id: ${run_id}`);
  const answer = await client.call('promotion.rollback', { params: { run_id: run }, body }, patience).catch((error: unknown) => {
    throw unsure(error, run_id);
  });
  return shown(answer, flags.explain);
};

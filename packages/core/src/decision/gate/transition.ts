import type { Layer } from '../../api/common.ts';
import type { PromotionType } from '../../policy/contract.ts';
import { applyContract, evidence, fail, type Gate, noContract, notRequired, pass } from '../gate.ts';

const steps: { readonly [T in PromotionType]: readonly [from: Layer, to: Layer] | null } = {
  raw_to_gdp: ['RAW', 'GDP'],
  gdp_to_kpi: ['GDP', 'KPI'],
  bundle_to_active: null,
  rollback: null,
};

/** Up by one declared step, from where the snapshot is active. */
export const transitionGate: Gate = {
  code: 'transition',
  asks: 'Is this the next declared layer step, from where the snapshot is active?',
  otherwise: 'deny',
  judge(input, now) {
    const { facts, gate_set } = input;
    const { contract, pointers, request, snapshot } = facts;
    if (gate_set === 'rollback') return notRequired('a rollback stays in its layer', 'rollback');
    if (contract === null) return noContract(input);
    const step = steps[request.promotion_type];
    const asked = `${request.from_layer} -> ${request.to_layer}`;
    const dryRun = `govctl promote ${request.dataset_id} --from RAW --to GDP --snapshot ${request.snapshot_id} --dry-run`;
    if (step === null || step[0] !== request.from_layer || step[1] !== request.to_layer) {
      return fail({
        reason_code: 'step-unknown',
        reason:
          step === null
            ? `${request.promotion_type} does not move a dataset between layers`
            : `${request.promotion_type} is ${step.join(' -> ')}`,
        expected: step === null ? 'RAW -> GDP or GDP -> KPI' : step.join(' -> '),
        actual: asked,
        resolve: { who: 'whoever submits', command: dryRun },
      });
    }
    const { body } = contract;
    if (body.dataset_id !== request.dataset_id || body.tenant_id !== request.tenant_id) {
      return fail({
        reason_code: 'contract-of-another-dataset',
        reason: `the contract ${body.contract_id} is for ${body.tenant_id}/${body.dataset_id}`,
        expected: `${request.tenant_id}/${request.dataset_id}`,
        actual: `${body.tenant_id}/${body.dataset_id}`,
        resolve: applyContract,
      });
    }
    if (!body.promotion_types.includes(request.promotion_type)) {
      return fail({
        reason_code: 'step-not-declared',
        reason: `the contract ${body.contract_id} does not declare ${request.promotion_type}`,
        expected: body.promotion_types.join(', '),
        actual: request.promotion_type,
        resolve: applyContract,
      });
    }
    const from = request.from_layer;
    const actual = from === 'RAW' ? (snapshot?.layer === 'RAW' ? request.snapshot_id : null) : (pointers.from?.snapshot_id ?? null);
    if (actual !== request.snapshot_id) {
      return fail({
        reason_code: 'not-active-in-source',
        reason: from === 'RAW' ? 'the snapshot is not registered in RAW' : `the snapshot is not the active one of ${from}`,
        expected: `${request.snapshot_id} in ${from}`,
        actual,
        resolve:
          from === 'RAW'
            ? { who: 'whoever submits', command: `govctl snapshot get ${request.snapshot_id}` }
            : { who: 'whoever submits', command: dryRun },
      });
    }
    const source =
      pointers.from === null ? [] : [evidence(pointers.from.decision_ref, pointers.from.snapshot_hash, pointers.from.moved_at, now)];
    return pass('the next declared step', asked, asked, source);
  },
};

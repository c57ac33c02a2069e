import { evidence, fail, type Gate, notRequired, pass } from '../gate.ts';
import { afterJob } from './after-job.ts';

const digest = /^sha256:[0-9a-f]{64}$/;
// `latest` as a word of its own: orders@latest, orders:latest, /latest/, latest. `latest_orders` is a name.
const floating = /(^|[@:/#])(latest|head|current)($|[@:/#])/i;

/** Every input is named with the digest of what was read; nothing floats. */
export const pinnedInputsGate: Gate = {
  code: 'pinned-inputs',
  asks: 'Does every input have a ref and a digest, is none of them "latest", and has the job before it succeeded?',
  otherwise: 'deny; a job that has not ended defers',
  judge({ bundle, facts, gate_set }, now) {
    if (gate_set === 'rollback') return notRequired('a rollback has no evidence bundle of its own', 'rollback');
    const waits = afterJob(facts, now);
    if (waits !== null) return waits;
    const inputs = bundle.inputs ?? [];
    const resolve = { who: 'whoever submits', command: `govctl snapshot get ${facts.request.snapshot_id}` };
    if (inputs.length === 0) {
      return fail({ reason_code: 'inputs-none', reason: 'no input is named', expected: 'at least one input', actual: 0, resolve });
    }
    const floats = inputs.find(({ ref }) => ref === '' || floating.test(ref));
    if (floats !== undefined) {
      return fail({
        reason_code: 'inputs-floating',
        reason: `input '${floats.ref}' does not name a version`,
        expected: 'pinned refs',
        actual: floats.ref,
        resolve,
      });
    }
    const unpinned = inputs.find((input) => !digest.test(input.digest ?? ''));
    if (unpinned !== undefined) {
      return fail({
        reason_code: 'inputs-unpinned',
        reason: `input '${unpinned.ref}' has no sha256: digest`,
        expected: 'a digest for every input',
        actual: unpinned.digest ?? null,
        resolve,
      });
    }
    return pass(
      'every input is pinned',
      inputs.length,
      inputs.length,
      inputs.slice(0, 20).map((input) => evidence(input.ref, input.digest ?? null, null, now)),
    );
  },
};

import { defer, evidence, type Gate, pass } from '../gate.ts';

/** One run at a time for a dataset and layer. A held lock is no refusal: it says who, and until when. */
export const singleWriterGate: Gate = {
  code: 'single-writer',
  asks: 'Does no other run hold the target?',
  otherwise: 'defer',
  judge({ facts: { lock, request } }, now) {
    const target = `${request.tenant_id}/${request.dataset_id}/${request.to_layer}`;
    if (lock === null || lock.holder === request.run_id) return pass('nobody else holds the target', `${target} free`, 'free');
    if (Date.parse(lock.expires_at) <= now.ms)
      return pass(`the lock of ${lock.holder} ran out`, `${target} free`, `expired at ${lock.expires_at}`);
    return defer({
      reason_code: 'lock-held',
      reason: `${lock.holder} holds ${target} until ${lock.expires_at}`,
      expected: `${target} free`,
      actual: lock.holder,
      evidence: [evidence(`lock:${target}#${lock.fence}`, null, null, now)],
      resolve: { who: `the run ${lock.holder}`, command: `govctl promotion get ${lock.holder}` },
    });
  },
};

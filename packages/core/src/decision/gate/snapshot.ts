import { defer, evidence, fail, type Gate, pass } from '../gate.ts';

/** The content that would be promoted is there, whole, and the one the evidence speaks of. */
export const snapshotGate: Gate = {
  code: 'snapshot',
  asks: 'Does the snapshot exist, with the hash the evidence names, and are all its objects present?',
  otherwise: 'deny; missing objects defer',
  judge({ bundle, facts: { request, snapshot } }, now) {
    const create = { who: 'whoever submits', command: `govctl snapshot create DIR --dataset ${request.dataset_id} --layer RAW` };
    if (snapshot === null || snapshot.snapshot_id !== request.snapshot_id) {
      return fail({
        reason_code: 'snapshot-unknown',
        reason: `no snapshot ${request.snapshot_id}`,
        expected: request.snapshot_id,
        actual: null,
        resolve: create,
      });
    }
    const found = [evidence(`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash, snapshot.created_at, now)];
    if (snapshot.tenant_id !== request.tenant_id || snapshot.dataset_id !== request.dataset_id) {
      return fail({
        reason_code: 'snapshot-of-another-dataset',
        reason: `the snapshot belongs to ${snapshot.tenant_id}/${snapshot.dataset_id}`,
        expected: `${request.tenant_id}/${request.dataset_id}`,
        actual: `${snapshot.tenant_id}/${snapshot.dataset_id}`,
        evidence: found,
        resolve: { who: 'whoever submits', command: `govctl snapshot ls --dataset ${request.dataset_id}` },
      });
    }
    if (bundle.snapshot_hash !== snapshot.snapshot_hash) {
      return fail({
        reason_code: 'snapshot-hash-differs',
        reason: 'the evidence was made for other content',
        expected: snapshot.snapshot_hash,
        actual: bundle.snapshot_hash ?? null,
        evidence: found,
        resolve: { who: 'whoever submits', command: `govctl snapshot get ${snapshot.snapshot_id}` },
      });
    }
    if (snapshot.verification === 'withdrawn') {
      return fail({
        reason_code: 'snapshot-withdrawn',
        reason: 'a re-verification found other bytes than were registered',
        expected: 'registered or verified',
        actual: 'withdrawn',
        evidence: found,
        resolve: { who: 'an operator', command: `govctl snapshot verify ${snapshot.snapshot_id}` },
      });
    }
    if (snapshot.missing_objects > 0) {
      return defer({
        reason_code: 'snapshot-objects-missing',
        reason: `${snapshot.missing_objects} of ${snapshot.file_count} files are not stored yet`,
        expected: 0,
        actual: snapshot.missing_objects,
        evidence: found,
        resolve: create,
      });
    }
    return pass('known, whole, and the one meant', snapshot.snapshot_hash, snapshot.snapshot_hash, found);
  },
};

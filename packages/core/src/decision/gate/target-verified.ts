import { evidence, fail, type Gate, notRequired, pass } from '../gate.ts';

/** A rollback goes to a version that was active in this layer, was re-read byte for byte, and is still trusted. */
export const targetVerifiedGate: Gate = {
  code: 'target-verified',
  asks: 'For a rollback: was the target active here before, and is it verified and not quarantined?',
  otherwise: 'deny',
  judge({ facts: { pointers, request, rollback, snapshot }, gate_set }, now) {
    if (gate_set !== 'rollback') return notRequired('this moves forward');
    const history = { who: 'an operator', command: `govctl dataset history ${request.dataset_id}` };
    const generation = rollback?.target_generation ?? null;
    if (snapshot === null || generation === null) {
      return fail({
        reason_code: 'target-never-active',
        reason: `${request.snapshot_id} was never active in ${request.to_layer}`,
        expected: 'an earlier generation',
        actual: null,
        resolve: history,
      });
    }
    const seen = [evidence(`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash, snapshot.verified_at, now)];
    if (pointers.to?.snapshot_id === request.snapshot_id) {
      return fail({
        reason_code: 'target-already-active',
        reason: 'the target is what is active now',
        expected: 'another version',
        actual: request.snapshot_id,
        evidence: seen,
        resolve: history,
      });
    }
    if (snapshot.quarantined_at !== null) {
      return fail({
        reason_code: 'target-quarantined',
        reason: 'the target is quarantined itself',
        expected: 'not quarantined',
        actual: snapshot.quarantined_at,
        evidence: seen,
        resolve: history,
      });
    }
    if (snapshot.verification !== 'verified') {
      return fail({
        reason_code: 'target-unverified',
        reason: `the target is ${snapshot.verification}, not verified`,
        expected: 'verified',
        actual: snapshot.verification,
        evidence: seen,
        resolve: { who: 'an operator', command: `govctl snapshot verify ${snapshot.snapshot_id}` },
      });
    }
    return pass(`generation ${generation}, verified`, 'verified', 'verified', seen);
  },
};

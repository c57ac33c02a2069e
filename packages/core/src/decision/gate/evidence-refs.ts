import type { GateEvidence } from '../decision.ts';
import { evidence, fail, type Gate, noContract, notRequired, pass } from '../gate.ts';

/**
 * What the evidence points at is here, under the digest it names: the DatasetManifest (the snapshot), the EvalReport (stored quality
 * results) and the pinned packs. Datasets have no compatibility metadata of their own: their schema is part of the manifest.
 */
export const evidenceRefsGate: Gate = {
  code: 'evidence-refs',
  asks: 'Do EvalReport, DatasetManifest and policy versions resolve, and match their digests?',
  otherwise: 'deny',
  judge(input, now) {
    const { bundle, checks, facts, gate_set } = input;
    const { contract, request, snapshot } = facts;
    if (gate_set === 'rollback') return notRequired('a rollback restores what was judged with its evidence', 'rollback');
    if (contract === null) return noContract(input);
    const see = { who: 'whoever submits', command: `govctl snapshot get ${request.snapshot_id}` };
    if (snapshot === null) {
      return fail({
        reason_code: 'manifest-unresolved',
        reason: 'the DatasetManifest does not resolve',
        expected: `snapshot:${request.snapshot_id}`,
        actual: null,
        resolve: see,
      });
    }
    const reports = new Map<string, GateEvidence>();
    for (const { source_kind, source_digest, imported_at } of checks) {
      if (!reports.has(source_digest))
        reports.set(source_digest, evidence(`quality:${source_kind}:${source_digest}`, source_digest, imported_at, now));
    }
    if (reports.size === 0) {
      return fail({
        reason_code: 'eval-report-unresolved',
        reason: 'no EvalReport is stored for the snapshot',
        expected: 'quality results',
        actual: null,
        resolve: { who: 'whoever tests the data', command: `govctl quality import dbt run_results.json --snapshot ${request.snapshot_id}` },
      });
    }
    const stored = new Map([
      [`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash],
      ...[...reports.values()].map(({ ref, digest }) => [ref, digest ?? ''] as const),
    ]);
    for (const { ref, digest } of bundle.inputs ?? []) {
      // Refs of other systems cannot be resolved here; that they are pinned is asked elsewhere.
      if (!ref.startsWith('snapshot:') && !ref.startsWith('quality:')) continue;
      const own = stored.get(ref);
      if (own !== digest) {
        return fail({
          reason_code: own === undefined ? 'ref-unresolved' : 'ref-digest-differs',
          reason: own === undefined ? `'${ref}' is not stored for this snapshot` : `'${ref}' has another digest than the evidence says`,
          expected: digest ?? null,
          actual: own ?? null,
          resolve: see,
        });
      }
    }
    const pinned = new Map(contract.body.policy_packs.map((pack) => [pack.name, pack.digest]));
    const named = bundle.policy_versions ?? [];
    const strange = named.find((pack) => pinned.get(pack.name) !== pack.digest);
    if (strange !== undefined || named.length !== pinned.size) {
      return fail({
        reason_code: 'policy-versions-differ',
        reason: strange === undefined ? 'the evidence does not name every pinned pack' : `the contract pins another ${strange.name}`,
        expected: [...pinned.keys()].join(', '),
        actual: named.map((pack) => pack.name).join(', '),
        resolve: { who: 'whoever submits', command: `govctl contract get ${contract.body.contract_id}` },
      });
    }
    return pass('every ref resolves to its digest', 1 + reports.size, 1 + reports.size, [
      evidence(`snapshot:${snapshot.snapshot_id}`, snapshot.snapshot_hash, snapshot.created_at, now),
      ...reports.values(),
    ]);
  },
};

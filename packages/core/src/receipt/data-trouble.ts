import { isDataReason } from '../job/gate.ts';
import type { ManifestStep, ReceiptRun } from './source.ts';

/** Reason codes that say that the data itself is not what it should be; a missing approval or an old check says nothing of the kind. */
const broken = new Set([
  'quality-failed',
  'quality-error',
  'quality-score-low',
  'quality-contradicted',
  'quality-score-differs',
  'snapshot-hash-differs',
  'snapshot-objects-missing',
  'snapshot-withdrawn',
  'target-unverified',
  'version-flagged',
]);

/** Whether data was broken: a gate found it so, or a step was left out because what it reads is not what it needs. */
export function isDataBroken({ decision }: Pick<ReceiptRun, 'decision'>, steps: readonly ManifestStep[]): boolean {
  const stopped = decision?.gates.some(
    ({ outcome, reason_code }) => (outcome === 'fail' || outcome === 'defer') && broken.has(reason_code),
  );
  return stopped === true || steps.some(({ status, reason }) => status === 'skipped' && isDataReason(reason));
}

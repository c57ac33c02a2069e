import { faultText, readAs } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { decodeBase64 } from './base64.ts';
import type { VerifiedCheckpoint } from './checkpoint.ts';
import { digestOf } from './digest.ts';
import { type EvidenceExport, type ExportedRecord, evidenceExportSchema } from './evidence-file.ts';
import type { RecordKind } from './predicate.ts';
import { factsDigestOf } from './statement.ts';
import type { TrustRoot } from './trust.ts';
import { type EvidenceVerification, openLogCheckpoint, requireWitnesses, runChecks, type VerifiedRecord, verifyRecord } from './verify.ts';
import { verificationSummary } from './vsa.ts';

/** The checks an export has beside those of its records. */
export type ExportCheckName = 'format' | 'checkpoint' | 'records' | 'run' | 'chain' | 'decision' | 'facts' | 'policies' | 'summaries';
export type ExportCheck = { readonly name: ExportCheckName; readonly ok: boolean; readonly detail: string };

export type ExportVerification = {
  readonly verified: boolean;
  readonly checks: readonly ExportCheck[];
  readonly failed_at?: ExportCheckName;
  /** One for each record of the file, in its order; empty when the file could not be read. */
  readonly records: readonly ({ readonly ref: string } & EvidenceVerification)[];
};

/**
 * Verifies everything a run left: each record on its own, and that together they are whole: one run, each record naming the one
 * before it, each promotion its decision, facts and policy bytes those that were signed for. Never throws, opens nothing.
 */
export function verifyExport(file: unknown, trust: TrustRoot): ExportVerification {
  const checks: ExportCheck[] = [];
  let records: ExportVerification['records'] = [];
  const check = <T>(name: ExportCheckName, make: () => readonly [T, string]): T => {
    try {
      const [value, detail] = make();
      checks.push({ name, ok: true, detail });
      return value;
    } catch (cause) {
      checks.push({ name, ok: false, detail: cause instanceof Error ? cause.message : String(cause) });
      throw new ExportFailed(name);
    }
  };
  try {
    const bundle = check('format', () => readExport(file));
    const checkpoint = check('checkpoint', () => {
      const opened = openLogCheckpoint(bundle.checkpoint, trust);
      const seen = requireWitnesses(opened, trust);
      return [opened, `${opened.origin}, ${opened.size} leaves${seen === undefined ? '' : `, cosigned by ${seen}`}`];
    });
    records = bundle.records.map((record) => ({ ref: record.ref, ...verifyOne(record, checkpoint, trust) }));
    const verified = check('records', () => allVerified(records));
    check('run', () => requireOneRun(bundle, verified));
    check('chain', () => requireChain(verified));
    check('decision', () => requireDecisions(verified));
    check('facts', () => requireFacts(bundle, verified));
    check('policies', () => requirePolicies(bundle, verified));
    check('summaries', () => requireSummaries(verified));
    return { verified: true, checks, records };
  } catch (error) {
    if (error instanceof ExportFailed) return { verified: false, checks, failed_at: error.check, records };
    throw error;
  }
}

function readExport(file: unknown): readonly [EvidenceExport, string] {
  const parsed = readAs(evidenceExportSchema, file);
  if (!parsed.ok) throw failure(faultText(parsed.faults));
  return [parsed.value, `${parsed.value.records.length} records of run ${parsed.value.run_id}`];
}

function verifyOne(record: ExportedRecord, checkpoint: VerifiedCheckpoint, trust: TrustRoot): EvidenceVerification {
  const { ref, leaf_index, envelope, leaf_body } = record;
  return runChecks((check) => {
    const hashes = check('format', () => {
      const decoded = record.hashes.map((hash) => decodeBase64(hash));
      if (!decoded.every((hash) => hash !== undefined)) throw failure('a proof hash is not base64');
      return [decoded, `record at leaf ${leaf_index}`];
    });
    return verifyRecord(check, { ref, leaf_index, envelope, leaf_body, hashes }, () => checkpoint, trust);
  });
}

function allVerified(records: ExportVerification['records']): readonly [VerifiedRecord[], string] {
  const verified = records.flatMap(({ record }) => (record === undefined ? [] : [record]));
  const bad = records.find((record) => !record.verified);
  if (bad !== undefined) throw failure(`${bad.ref}: ${bad.failed_at}: ${bad.checks.at(-1)?.detail ?? ''}`);
  return [verified, `${verified.length} verified`];
}

function requireOneRun({ run_id }: EvidenceExport, records: readonly VerifiedRecord[]): readonly [undefined, string] {
  const stranger = records.find(({ statement }) => statement.predicate.run_id !== run_id);
  if (stranger !== undefined)
    throw failure(`${stranger.ref} is of run ${stranger.statement.predicate.run_id ?? '(none)'}, not of ${run_id}`);
  records.forEach(({ leaf_index }, at) => {
    if (at > 0 && leaf_index <= (records[at - 1]?.leaf_index ?? -1))
      throw failure('the records are not in the order of the log, or one is there twice');
  });
  return [undefined, run_id];
}

/** What the run itself leaves names what came before, so that a record taken out of the middle or from the front shows. */
const chained = new Set<RecordKind>(['decision', 'promotion', 'run-result', 'verification-summary']);

function requireChain(records: readonly VerifiedRecord[]): readonly [undefined, string] {
  const earlier = new Set<string>();
  let begun = false;
  for (const { ref, statement } of records) {
    const { previous } = statement.predicate;
    const sound = previous === null ? !(begun && chained.has(statement.kind)) : earlier.has(previous);
    if (!sound) throw failure(`${ref} follows ${previous ?? 'nothing'}, but what came before it in the run is not in the file`);
    begun ||= chained.has(statement.kind);
    earlier.add(ref);
  }
  return [undefined, 'no record of the run is missing before another'];
}

function requireDecisions(records: readonly VerifiedRecord[]): readonly [undefined, string] {
  for (const { ref, statement } of records) {
    if (statement.kind !== 'promotion') continue;
    const decision = records.find((record) => record.ref === statement.predicate.decision_ref)?.statement;
    if (decision?.kind !== 'decision')
      throw failure(`${ref} was promoted by ${statement.predicate.decision_ref}, which is no decision in this file`);
    const { decision: verdict, subject } = decision.predicate.decision;
    if (verdict !== 'allow') throw failure(`${ref} was promoted although its decision is ${verdict}`);
    if (subject.snapshot_hash !== statement.predicate.snapshot_hash) throw failure(`${ref} promoted another snapshot than was decided on`);
  }
  return [undefined, 'each promotion has its allow'];
}

function requireFacts({ records: exported }: EvidenceExport, records: readonly VerifiedRecord[]): readonly [undefined, string] {
  let count = 0;
  records.forEach(({ ref, statement }, at) => {
    const facts = exported[at]?.facts ?? null;
    const wanted = factsDigestOf(statement);
    if ((facts === null ? null : digestOf(facts)) !== wanted) throw failure(`the facts of ${ref} are not those it was decided from`);
    if (facts !== null) count += 1;
  });
  return [undefined, `${count} with facts`];
}

function requirePolicies({ policies }: EvidenceExport, records: readonly VerifiedRecord[]): readonly [undefined, string] {
  for (const { digest, name, source } of policies) {
    if (digestOf(source) !== digest) throw failure(`the bytes of policy ${name} do not have the digest ${digest}`);
  }
  const held = new Set(policies.map(({ digest }) => digest));
  for (const { ref, statement } of records) {
    if (statement.kind !== 'decision') continue;
    const missing = statement.predicate.policies.find(({ digest }) => !held.has(digest));
    if (missing !== undefined) throw failure(`policy ${missing.name} of ${ref} is not in the file`);
  }
  return [undefined, `${policies.length} packs`];
}

/** A summary says what its decision says, byte for byte: a signed and logged one that says more is somebody's forgery. */
function requireSummaries(records: readonly VerifiedRecord[]): readonly [undefined, string] {
  let count = 0;
  for (const { ref, statement } of records) {
    if (statement.kind !== 'verification-summary') continue;
    const decision = records.find((record) => record.ref === statement.predicate.previous);
    if (decision?.statement.kind !== 'decision') throw failure(`the summary ${ref} has no decision in this file`);
    const { subject, predicate } = decision.statement;
    if (predicate.decision.decision === 'defer') throw failure(`the summary ${ref} is of a decision that is not final`);
    if (verificationSummary({ ref: decision.ref, subject, predicate }).ref !== ref)
      throw failure(`the summary ${ref} says something else than the decision ${decision.ref}`);
    count += 1;
  }
  return [undefined, `${count} verification summaries`];
}

class ExportFailed extends Error {
  readonly check: ExportCheckName;
  constructor(check: ExportCheckName) {
    super(check);
    this.check = check;
  }
}

function failure(detail: string): Problem {
  return new Problem('integrity', { detail });
}

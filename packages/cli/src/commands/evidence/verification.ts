import { isProblem, parseStrictJson } from '@govctl/core/api';
import { type ArchiveManifest, type Expected, type Statement, type TrustRoot, verifyEvidence, verifyExport } from '@govctl/core/evidence';
import { asDocument } from '../../output/result.ts';

/** An export holds the facts of every decision of a run. */
export const evidenceFileLimit = 256 * 1024 * 1024;

type Check = { readonly name: string; readonly ok: boolean; readonly detail: string };

/** What `evidence verify` prints: the checks that were made, up to and with the first that failed. */
export type VerificationDocument = {
  readonly schemaVersion: 'govctl/v1';
  readonly kind: 'EvidenceVerification';
  readonly verified: boolean;
  readonly failed_at?: string;
  readonly checks: readonly Check[];
  readonly record?: RecordSummary;
  /** Of an archive of a time: what its signed manifest says. */
  readonly archive?: ArchiveManifest;
  /** Of an export, one for each record. */
  readonly records?: readonly (RecordSummary & { readonly verified: boolean; readonly failed_at?: string })[];
};
type RecordSummary = { readonly ref: string; readonly leaf_index?: number; readonly tree_size?: number; readonly record_kind?: string };

export type Verified = {
  readonly document: VerificationDocument;
  /** The parsed file, and what its records say; only of a file that verified. */
  readonly file?: { readonly kind: string; readonly [field: string]: unknown };
  readonly statements: readonly { readonly ref: string; readonly statement: Statement }[];
};

/**
 * Verifies the bytes of an evidence file or an export. Bytes that are not even JSON fail their first check like any others: a
 * truncated file is a verdict, not a usage error.
 */
export function verifyFile(bytes: Uint8Array, trust: TrustRoot, expected: Expected = {}): Verified {
  let file: unknown;
  try {
    file = parseStrictJson(bytes, { maxBytes: evidenceFileLimit });
  } catch (error) {
    if (!isProblem(error)) throw error;
    const checks = [{ name: 'format', ok: false, detail: error.message }];
    return { document: asDocument('EvidenceVerification', { verified: false, failed_at: 'format', checks }), statements: [] };
  }
  return isExport(file) ? ofExport(file, trust, expected) : ofRecord(file, trust, expected);
}

function ofRecord(file: unknown, trust: TrustRoot, expected: Expected): Verified {
  const { verified, checks, failed_at, record } = verifyEvidence(file, trust, expected);
  const document = asDocument('EvidenceVerification', {
    verified,
    ...(failed_at === undefined ? {} : { failed_at }),
    checks,
    ...(record === undefined ? {} : { record: summary(record) }),
  });
  return record === undefined
    ? { document, statements: [] }
    : { document, file: file as Record<string, unknown> & { kind: string }, statements: [record] };
}

function ofExport(file: { readonly kind: string }, trust: TrustRoot, expected: Expected): Verified {
  const { verified, checks, failed_at, records } = verifyExport(file, trust);
  const wanted = missing(records, expected);
  const all: Check[] = [...checks];
  if (verified && wanted !== undefined) all.push({ name: 'subject', ok: false, detail: wanted });
  const good = verified && wanted === undefined;
  const failedAt = failed_at ?? (good ? undefined : 'subject');
  const document = asDocument('EvidenceVerification', {
    verified: good,
    ...(failedAt === undefined ? {} : { failed_at: failedAt }),
    checks: all,
    records: records.map((one) => ({
      ...(one.record === undefined ? { ref: one.ref } : summary(one.record)),
      verified: one.verified,
      ...(one.failed_at === undefined ? {} : { failed_at: one.failed_at }),
    })),
  });
  return good
    ? { document, file, statements: records.flatMap(({ record }) => (record === undefined ? [] : [record])) }
    : { document, statements: [] };
}

/** What was asked for and is not in an export. */
function missing(records: ReturnType<typeof verifyExport>['records'], { ref, subject }: Expected): string | undefined {
  if (ref !== undefined && !records.some((one) => one.ref === ref)) return `the file has no record ${ref}`;
  const digests = records.flatMap(({ record }) => record?.statement.subject.map(({ digest }) => `sha256:${digest.sha256}`) ?? []);
  return subject !== undefined && !digests.includes(subject) ? `no record of the file is about ${subject}` : undefined;
}

function summary({ ref, leaf_index, tree_size, statement }: { ref: string; leaf_index: number; tree_size: number; statement: Statement }) {
  return { ref, leaf_index, tree_size, record_kind: statement.kind };
}

function isExport(file: unknown): file is { readonly kind: 'EvidenceExport' } {
  return typeof file === 'object' && file !== null && 'kind' in file && file.kind === 'EvidenceExport';
}

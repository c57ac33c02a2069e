import { createHash } from 'node:crypto';
import { faultText, readAs } from '../api/fault.ts';
import { Problem } from '../api/problem.ts';
import { parseStrictJson } from '../api/strict-json.ts';
import {
  type ArchiveHead,
  type ArchiveLine,
  type ArchiveManifest,
  archiveLineSchema,
  archiveStatement,
  maxArchiveLine,
} from './archive.ts';
import { decodeBase64 } from './base64.ts';
import type { VerifiedCheckpoint } from './checkpoint.ts';
import { digestOf } from './digest.ts';
import { decodeEnvelope, statementPayloadType, verifySignature } from './dsse.ts';
import { parseLeafBody } from './leaf.ts';
import { leafHash } from './merkle.ts';
import { verifyInclusion } from './merkle-verify.ts';
import { factsDigestOf } from './statement.ts';
import { isValidAt, type TrustRoot } from './trust.ts';
import { type Expected, openLogCheckpoint, runChecks, verifyRecord } from './verify.ts';

/** What an archive is asked, in the order of its lines. */
type ArchiveCheckName = 'format' | 'checkpoint' | 'order' | 'policies' | 'records' | 'facts' | 'manifest' | 'end' | 'subject';
type ArchiveCheck = { readonly name: ArchiveCheckName; readonly ok: boolean; readonly detail: string };

export type ArchiveVerification = {
  readonly verified: boolean;
  readonly checks: readonly ArchiveCheck[];
  readonly failed_at?: ArchiveCheckName;
  /** What the signed manifest says; only of an archive that verified. */
  readonly manifest?: ArchiveManifest;
};

type Counts = { records: number; erased: number; policies: number; by_kind: Record<string, number>; first?: number; last?: number };

/**
 * Verifies an archive line by line, and remembers no record: each against the one checkpoint, in the order of the log, and at the end
 * all of them against the signed manifest. Of a whole range no leaf is missing; of one dataset the manifest says how many there are.
 * Never throws, opens nothing.
 *
 * @example const archive = new ArchiveVerifier(trust); for (const line of lines) if (!archive.push(line)) break; archive.end()
 */
export class ArchiveVerifier {
  readonly #trust: TrustRoot;
  readonly #expected: Expected;
  readonly #hash = createHash('sha256');
  readonly #policies = new Set<string>();
  readonly #counts: Counts = { records: 0, erased: 0, policies: 0, by_kind: {} };
  #line = 0;
  #head: ArchiveHead | undefined;
  #checkpoint: VerifiedCheckpoint | undefined;
  #manifest: ArchiveManifest | undefined;
  #failure: ArchiveCheck | undefined;
  #found: { ref: boolean; subject: boolean };

  constructor(trust: TrustRoot, expected: Expected = {}) {
    this.#trust = trust;
    this.#expected = expected;
    this.#found = { ref: expected.ref === undefined, subject: expected.subject === undefined };
  }

  /** Records seen so far. */
  get records(): number {
    return this.#counts.records;
  }

  /** Takes the next line, without its newline; false when it fails and nothing after it matters. */
  push(line: Uint8Array): boolean {
    if (this.#failure !== undefined) return false;
    this.#line += 1;
    try {
      if (this.#manifest !== undefined) throw failed('end', 'there is something after the end of the archive');
      this.#take(parsed(line), line);
    } catch (error) {
      const { check, message } = error instanceof ArchiveFailed ? error : failed('format', error instanceof Error ? error.message : '');
      this.#failure = { name: check, ok: false, detail: `line ${this.#line}: ${message}` };
    }
    return this.#failure === undefined;
  }

  end(): ArchiveVerification {
    const done = this.#failure === undefined && this.#manifest === undefined;
    if (done) this.#failure = { name: 'end', ok: false, detail: `it ends after line ${this.#line}, without its manifest: it was cut off` };
    const { ref, subject } = this.#expected;
    if (this.#failure === undefined && !this.#found.ref)
      this.#failure = { name: 'subject', ok: false, detail: `the archive has no record ${ref}` };
    if (this.#failure === undefined && !this.#found.subject)
      this.#failure = { name: 'subject', ok: false, detail: `no record of the archive is about ${subject}` };
    const checks = [...this.#passed(), ...(this.#failure === undefined ? [] : [this.#failure])];
    if (this.#failure !== undefined) return { verified: false, checks, failed_at: this.#failure.name };
    return { verified: true, checks, ...(this.#manifest === undefined ? {} : { manifest: this.#manifest }) };
  }

  #passed(): ArchiveCheck[] {
    const { records, erased, policies, first, last } = this.#counts;
    const until = this.#failure?.name;
    const all: ArchiveCheck[] = [
      { name: 'format', ok: true, detail: `${this.#line} lines` },
      { name: 'checkpoint', ok: true, detail: `${this.#checkpoint?.origin ?? ''}, ${this.#checkpoint?.size ?? 0} leaves` },
      { name: 'order', ok: true, detail: `leaves ${first ?? 0} to ${last ?? 0}` },
      { name: 'policies', ok: true, detail: `${policies} packs` },
      { name: 'records', ok: true, detail: `${records} verified${erased === 0 ? '' : `, ${erased} of them erased: leaf and proof only`}` },
      { name: 'facts', ok: true, detail: 'every decision has the facts it was made from' },
      { name: 'manifest', ok: true, detail: this.#manifest?.digest ?? '' },
    ];
    const known = this.#manifest !== undefined ? all : all.slice(0, this.#checkpoint === undefined ? 0 : 2);
    return known.filter(({ name }) => name !== until);
  }

  #take(line: ArchiveLine, bytes: Uint8Array): void {
    if (line.kind === 'EvidenceArchiveEnd') {
      this.#close(line);
      return;
    }
    this.#hash.update(bytes).update('\n');
    if (line.kind === 'EvidenceArchive') {
      this.#open(line);
      return;
    }
    if (this.#head === undefined || this.#checkpoint === undefined) throw failed('format', 'the first line is not the head of an archive');
    if (line.kind === 'EvidenceArchivePolicy') {
      if (digestOf(line.source) !== line.digest)
        throw failed('policies', `the bytes of policy ${line.name} do not have the digest ${line.digest}`);
      if (this.#policies.has(line.digest)) throw failed('policies', `policy ${line.name} is there twice`);
      this.#policies.add(line.digest);
      this.#counts.policies += 1;
      return;
    }
    this.#record(line, this.#head, this.#checkpoint);
  }

  #open(head: ArchiveHead): void {
    if (this.#head !== undefined) throw failed('format', 'the archive begins twice');
    this.#head = head;
    try {
      this.#checkpoint = openLogCheckpoint(head.checkpoint, this.#trust);
    } catch (cause) {
      throw failed('checkpoint', cause instanceof Error ? cause.message : String(cause));
    }
    const { size, origin } = this.#checkpoint;
    if (size !== head.tree_size || origin !== head.origin)
      throw failed('checkpoint', 'it is not the one the head of the archive speaks of');
  }

  #record(line: Extract<ArchiveLine, { kind: 'EvidenceArchiveRecord' }>, head: ArchiveHead, checkpoint: VerifiedCheckpoint): void {
    const { ref, leaf_index } = line;
    const last = this.#counts.last;
    const whole = head.tenant_id === null && head.dataset_id === null;
    if (last !== undefined && leaf_index <= last) throw failed('order', `${ref} at leaf ${leaf_index} stands after leaf ${last}`);
    if (whole && last !== undefined && leaf_index !== last + 1)
      throw failed('order', `after leaf ${last} comes leaf ${leaf_index}: ${leaf_index - last - 1} between them are missing`);
    if (line.envelope === null) this.#erased(line, checkpoint);
    else this.#whole({ ...line, envelope: line.envelope }, head, checkpoint);
    if (this.#expected.ref === ref) this.#found.ref = true;
    const counts = this.#counts;
    counts.records += 1;
    counts.by_kind[line.record_kind] = (counts.by_kind[line.record_kind] ?? 0) + 1;
    counts.first ??= leaf_index;
    counts.last = leaf_index;
  }

  #whole(
    line: Extract<ArchiveLine, { kind: 'EvidenceArchiveRecord' }> & { envelope: object },
    head: ArchiveHead,
    checkpoint: VerifiedCheckpoint,
  ): void {
    const { ref, leaf_index, leaf_body } = line;
    const envelope = line.envelope;
    const { verified, failed_at, checks, record } = runChecks((check) => {
      const hashes = check('format', () => [hashesOf(line.hashes), '']);
      return verifyRecord(check, { ref, leaf_index, envelope, leaf_body, hashes }, () => checkpoint, this.#trust);
    });
    if (!verified || record === undefined) throw failed('records', `${ref}: ${failed_at}: ${checks.at(-1)?.detail ?? ''}`);
    const { statement } = record;
    const { predicate } = statement;
    if (statement.kind !== line.record_kind || predicate.recorded_at !== line.recorded_at)
      throw failed('records', `${ref}: it is a ${statement.kind} of ${predicate.recorded_at}, the line says another`);
    if (
      (head.tenant_id ?? predicate.tenant_id) !== predicate.tenant_id ||
      (head.dataset_id ?? predicate.dataset_id) !== predicate.dataset_id
    )
      throw failed('records', `${ref}: it is of ${predicate.tenant_id}/${predicate.dataset_id ?? '*'}, not of what the archive is of`);
    const wanted = factsDigestOf(statement);
    if ((line.facts === null ? null : digestOf(line.facts)) !== wanted)
      throw failed('facts', `the facts of ${ref} are not those it was decided from`);
    const missing =
      statement.kind === 'decision' ? statement.predicate.policies.find(({ digest }) => !this.#policies.has(digest)) : undefined;
    if (missing !== undefined) throw failed('policies', `policy ${missing.name} of ${ref} does not stand before it`);
    const { subject } = this.#expected;
    if (subject !== undefined && statement.subject.some(({ digest }) => `sha256:${digest.sha256}` === subject)) this.#found.subject = true;
  }

  /** Without its payload a signature cannot be checked: what is left to check is that the log has this leaf. */
  #erased(
    { ref, leaf_index, leaf_body, hashes }: Extract<ArchiveLine, { kind: 'EvidenceArchiveRecord' }>,
    { size, root }: VerifiedCheckpoint,
  ): void {
    const body = decodeBase64(leaf_body);
    if (body === undefined || parseLeafBody(body).payload_digest !== ref)
      throw failed('records', `${ref}: leaf: the logged body is of another record`);
    if (!verifyInclusion(leaf_index, size, leafHash(body), hashesOf(hashes), root))
      throw failed('records', `${ref}: inclusion: the proof does not lead from leaf ${leaf_index} to the root of the checkpoint`);
    this.#counts.erased += 1;
  }

  #close({ manifest, envelope }: Extract<ArchiveLine, { kind: 'EvidenceArchiveEnd' }>): void {
    const head = this.#head;
    if (head === undefined) throw failed('format', 'the first line is not the head of an archive');
    const decoded = envelope.payloadType === statementPayloadType ? decodeEnvelope(envelope) : undefined;
    if (decoded === undefined || Buffer.compare(decoded.payload, archiveStatement(manifest)) !== 0)
      throw failed('manifest', 'what was signed is not what the manifest says');
    const signed = this.#trust.keys.some(
      (key) =>
        key.purpose === 'decision' &&
        (isValidAt(key, manifest.tree_size) || isValidAt(key, Math.max(0, manifest.tree_size - 1))) &&
        decoded.sigs.some((sig) => verifySignature(key.key, decoded.payload, sig)),
    );
    if (!signed) throw failed('manifest', 'no trusted decision key signed it');
    const { records, erased, policies, by_kind, first, last } = this.#counts;
    const { since, until, tenant_id, dataset_id, tree_size } = head;
    const seen = { since, until, tenant_id, dataset_id, tree_size, first_leaf: first, last_leaf: last, records, erased, policies };
    for (const [name, value] of Object.entries(seen)) {
      const said = manifest[name as keyof typeof seen];
      if (said !== value) throw failed('manifest', `${name} is ${value ?? 'nothing'} here, ${said ?? 'nothing'} in the signed manifest`);
    }
    for (const kind of new Set([...Object.keys(by_kind), ...Object.keys(manifest.by_kind)])) {
      const said = manifest.by_kind[kind as keyof typeof manifest.by_kind];
      if (said !== by_kind[kind])
        throw failed('manifest', `there are ${by_kind[kind] ?? 0} ${kind} records here, ${said ?? 0} in the signed manifest`);
    }
    const digest = `sha256:${this.#hash.digest('hex')}`;
    if (digest !== manifest.digest) throw failed('manifest', `the file before it is ${digest}, signed was ${manifest.digest}`);
    this.#manifest = manifest;
  }
}

function parsed(line: Uint8Array): ArchiveLine {
  const result = readAs(archiveLineSchema, parseStrictJson(line, { maxBytes: maxArchiveLine }));
  if (!result.ok) throw failed('format', faultText(result.faults));
  return result.value;
}

function hashesOf(hashes: readonly string[]): Uint8Array[] {
  const decoded = hashes.map((hash) => decodeBase64(hash));
  if (!decoded.every((hash) => hash !== undefined)) throw new Problem('integrity', { detail: 'a proof hash is not base64' });
  return decoded;
}

class ArchiveFailed extends Error {
  readonly check: ArchiveCheckName;
  constructor(check: ArchiveCheckName, detail: string) {
    super(detail);
    this.check = check;
  }
}

function failed(check: ArchiveCheckName, detail: string): ArchiveFailed {
  return new ArchiveFailed(check, detail);
}

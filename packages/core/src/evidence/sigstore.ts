import { Problem } from '../api/problem.ts';
import { encodeBase64 } from './base64.ts';
import { readCheckpoint } from './checkpoint.ts';
import type { EvidenceExport, EvidenceFile } from './evidence-file.ts';
import { noteKeyHash, parseNote } from './note.ts';
import { parseProof } from './proof.ts';
import type { TrustRoot } from './trust.ts';

/** A record as sigstore's verifiers read it: bundle v0.3, the key by hint, the leaf as a Rekor v2 entry with its inclusion proof. */
export type SigstoreBundle = {
  readonly mediaType: string;
  readonly verificationMaterial: Readonly<Record<string, unknown>>;
  readonly dsseEnvelope: EvidenceFile['envelope'];
};

type Provable = Pick<EvidenceFile, 'envelope' | 'leaf_body' | 'leaf_index'> & {
  readonly hashes: readonly string[];
  readonly checkpoint: string;
};

/** Bundles of an export, one for each record, in the order of the log. */
export function sigstoreBundlesOf(file: EvidenceExport, trust: TrustRoot): SigstoreBundle[] {
  return file.records.map((record) => sigstoreBundle({ ...record, checkpoint: file.checkpoint }, trust));
}

/** The bundle of one evidence file. */
export function sigstoreBundleOf(file: EvidenceFile, trust: TrustRoot): SigstoreBundle {
  const { hashes, checkpoint } = parseProof(file.proof);
  return sigstoreBundle({ ...file, hashes: hashes.map(encodeBase64), checkpoint }, trust);
}

function sigstoreBundle({ envelope, leaf_body, leaf_index, hashes, checkpoint }: Provable, trust: TrustRoot): SigstoreBundle {
  const [signature, ...others] = envelope.signatures;
  // The format has room for one; taking the first would drop the rest of a threshold without a word.
  if (signature === undefined || others.length > 0)
    throw new Problem('usage', { detail: `a sigstore bundle holds exactly one signature, this record has ${envelope.signatures.length}` });
  const { size, root } = readCheckpoint(checkpoint);
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: {
      publicKey: { hint: signature.keyid ?? '' },
      tlogEntries: [
        {
          logIndex: String(leaf_index),
          logId: { keyId: logIdOf(trust, checkpoint) },
          kindVersion: { kind: 'dsse', version: '0.0.2' },
          // Our log has an order, not a clock: Rekor v2 says 0 here too.
          integratedTime: '0',
          inclusionProof: {
            logIndex: String(leaf_index),
            rootHash: encodeBase64(root),
            treeSize: String(size),
            hashes: [...hashes],
            checkpoint: { envelope: checkpoint },
          },
          canonicalizedBody: leaf_body,
        },
      ],
      timestampVerificationData: { rfc3161Timestamps: [] },
    },
    dsseEnvelope: envelope,
  };
}

/** The log key among those of the root that signed this checkpoint: what an entry must name as its log. */
function logIdOf(trust: TrustRoot, checkpoint: string): string {
  const { signatures } = parseNote(checkpoint);
  const id = trust.keys
    .filter(({ purpose }) => purpose === 'log')
    .map(({ raw }) => noteKeyHash(trust.origin, raw))
    .find((hash) => signatures.some(({ name, key_id }) => name === trust.origin && key_id === hash.readUInt32BE(0)));
  if (id === undefined) throw new Problem('integrity', { detail: 'no log key of the trust root signed this checkpoint' });
  return encodeBase64(id);
}

/**
 * The pinned root as sigstore's programs read it: our log keys as transparency logs, and nothing else (no certificates, no timestamps).
 * Keys that sign records have no place in it; a verifier is given them by their hint.
 */
export function sigstoreTrustedRoot(trust: TrustRoot): Readonly<Record<string, unknown>> {
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: trust.keys
      .filter(({ purpose }) => purpose === 'log')
      .map(({ raw, spki }) => {
        const keyId = { keyId: encodeBase64(noteKeyHash(trust.origin, raw)) };
        return {
          // Verifiers look for the name of the note's signature in it.
          baseUrl: `https://${trust.origin}`,
          hashAlgorithm: 'SHA2_256',
          // The range of a key of ours is one of leaf indexes, which this format cannot say: any time counts.
          publicKey: { rawBytes: encodeBase64(spki), keyDetails: 'PKIX_ED25519', validFor: { start: '1970-01-01T00:00:00Z' } },
          logId: keyId,
          checkpointKeyId: keyId,
        };
      }),
    certificateAuthorities: [],
    ctlogs: [],
    timestampAuthorities: [],
  };
}

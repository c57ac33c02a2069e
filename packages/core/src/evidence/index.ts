export {
  type AddCheckpoint,
  formatAddCheckpoint,
  judgeAddCheckpoint,
  type KnownTree,
  maxAddCheckpointBytes,
  parseAddCheckpoint,
  readWitnessAnswer,
  tlogSizeType,
  type WitnessVerdict,
} from './add-checkpoint.ts';
export {
  type ArchiveHead,
  type ArchiveManifest,
  archiveEnd,
  archiveEndSchema,
  archiveHead,
  archiveHeadSchema,
  archiveLine,
  archivePolicy,
  archivePolicySchema,
  archivePrefix,
  archiveRecord,
  archiveRecordSchema,
  maxArchiveLine,
} from './archive.ts';
export { decodeBase64, encodeBase64 } from './base64.ts';
export { type ByteRange, type RangeAnswer, rangeOf } from './byte-range.ts';
export {
  type CapabilityCheck,
  type CapabilityClaims,
  type CapabilityKey,
  type CapabilityPolicy,
  type CapabilityRefusal,
  type CapabilityRequest,
  capabilityClaimsSchema,
  checkCapability,
  defaultCapabilityTtl,
  maxCapabilityTtl,
  mintCapability,
} from './capability.ts';
export {
  checkpointText,
  openCheckpoint,
  parseCheckpointText,
  readCheckpoint,
  signCheckpoint,
  type TreeHead,
  type VerifiedCheckpoint,
} from './checkpoint.ts';
export { type Cosignature, cosign, cosignaturesOf, cosignedAt, formatCosignerKey, parseCosignerKey } from './cosignature.ts';
export { type Digest, digestOf, digestStream, equalBytes, sha256 } from './digest.ts';
export { announceDisposition, type DisposedRecord, dispositionDetail, eraseDisposed, maxDisposed, refsDigest } from './disposition.ts';
export {
  decodeEnvelope,
  type Envelope,
  ed25519Signer,
  envelopeOf,
  pae,
  type RecordSignature,
  type Signer,
  signEnvelope,
  signingKeys,
  signPayload,
  statementPayloadType,
  verifySignature,
} from './dsse.ts';
export {
  type EvidenceExport,
  type EvidenceFile,
  type ExportedRecord,
  envelopeSchema,
  evidenceExportSchema,
  evidenceFile,
  evidenceFileSchema,
  evidenceFrame,
  exportedRecord,
  type StoredRecord,
} from './evidence-file.ts';
export { canonicalJson, jcsDigest } from './jcs.ts';
export {
  enrolPublicKey,
  keyidOf,
  type PublicKey,
  parsePublicKeyPem,
  publicKeyOf,
  publicKeyPem,
  rawPublicKey,
  spkiOf,
  verifyEd25519,
} from './key.ts';
export { envelopeOfLeaf, type Leaf, leafBody, maxLeafBytes, parseLeafBody } from './leaf.ts';
export {
  consistencyProof,
  emptyRoot,
  inclusionProof,
  leafHash,
  type MerkleNode,
  nodeHash,
  type ReadNode,
  treeFrontier,
  treeRoot,
} from './merkle.ts';
export { verifyConsistency, verifyInclusion } from './merkle-verify.ts';
export {
  formatVerifierKey,
  isNoteName,
  type NoteSignature,
  type NoteVerifier,
  noteVerifier,
  type OpenedNote,
  openNote,
  parseNote,
  parseVerifierKey,
  signNote,
} from './note.ts';
export { evidenceActorSchema, type Predicate, type PredicateDraft, predicateSchemas, type RecordKind, recordKinds } from './predicate.ts';
export { formatProof, parseProof, type TlogProof } from './proof.ts';
export { disposableKinds, disposableUnder, type RetentionRule } from './retention.ts';
export { type Revocation, type RevocationTarget, revokeCapabilities } from './revoke-capability.ts';
export { type SigstoreBundle, sigstoreBundleOf, sigstoreBundlesOf, sigstoreTrustedRoot } from './sigstore.ts';
export {
  draftRecord,
  factsDigestOf,
  parseStatement,
  predicateType,
  type RecordDraft,
  type RecordInput,
  type Statement,
  type Subject,
  statementType,
  subjectOf,
} from './statement.ts';
export {
  parseEntryBundle,
  parseTile,
  parseTilePath,
  renderEntryBundle,
  renderTile,
  type Tile,
  type TileRange,
  tilePath,
  tileRange,
  tilesOf,
  tileWidth,
  tileWidthAt,
} from './tile.ts';
export { TreeAppender, type TreeMark } from './tree-appender.ts';
export {
  isValidAt,
  type KeyPurpose,
  keyPurposes,
  loadTrust,
  logVerifiers,
  type Requirement,
  requirementsFor,
  type Trust,
  type TrustedKey,
  type TrustKey,
  type TrustRoot,
  trustOf,
  trustSchema,
} from './trust.ts';
export {
  type EvidenceCheck,
  type EvidenceCheckName,
  type EvidenceVerification,
  type Expected,
  evidenceChecks,
  openLogCheckpoint,
  openWitnessedCheckpoint,
  requireWitnesses,
  type VerifiedRecord,
  verifyEvidence,
} from './verify.ts';
export { type ArchiveVerification, ArchiveVerifier } from './verify-archive.ts';
export { type ExportCheck, type ExportCheckName, type ExportVerification, verifyExport } from './verify-export.ts';
export { verificationSummary } from './vsa.ts';
export type { WitnessWrites } from './witness-write.ts';
export type { EvidenceWrites } from './write.ts';

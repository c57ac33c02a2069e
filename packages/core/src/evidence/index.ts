export { decodeBase64, encodeBase64 } from './base64.ts';
export { type Digest, digestOf, digestStream, equalBytes, sha256 } from './digest.ts';
export {
  decodeEnvelope,
  type Envelope,
  ed25519Signer,
  envelopeOf,
  keyidOf,
  pae,
  type RecordSignature,
  type Signer,
  signEnvelope,
  signingKeys,
  signPayload,
  statementPayloadType,
  verifySignature,
} from './dsse.ts';
export { canonicalJson, jcsDigest } from './jcs.ts';
export { leafBody } from './leaf.ts';
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
  rawPublicKey,
  signNote,
  spkiOf,
} from './note.ts';
export { evidenceActorSchema, type Predicate, type PredicateDraft, predicateSchemas, type RecordKind, recordKinds } from './predicate.ts';
export {
  draftRecord,
  parseStatement,
  predicateType,
  type RecordDraft,
  type RecordInput,
  type Statement,
  type Subject,
  statementType,
  subjectOf,
} from './statement.ts';
export { TreeAppender, type TreeMark } from './tree-appender.ts';

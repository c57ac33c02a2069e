import { createPrivateKey, type KeyObject } from 'node:crypto';
import { signCheckpoint } from './checkpoint.ts';
import { digestOf } from './digest.ts';
import { ed25519Signer, type Signer, signPayload } from './dsse.ts';
import { type EvidenceFile, evidenceFile, type StoredRecord } from './evidence-file.ts';
import { publicKeyOf, rawPublicKey } from './key.ts';
import { leafBody } from './leaf.ts';
import { inclusionProof, leafHash, type ReadNode } from './merkle.ts';
import { draftRecord, type RecordDraft, subjectOf } from './statement.ts';
import { TreeAppender } from './tree-appender.ts';
import { type Trust, trustOf } from './trust.ts';

/** The same key for the same name, on every machine: the seed is the digest of the name. */
export function privateKeyOf(name: string): KeyObject {
  const seed = Buffer.from(digestOf(name).slice(7), 'hex');
  return createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), seed]),
    format: 'der',
    type: 'pkcs8',
  });
}

export function signerOf(name: string): Signer {
  return ed25519Signer(privateKeyOf(name));
}

export const origin = 'govctl.example/log/test';

/** A trust root over named keys: `decision` signs records, `log` checkpoints. */
export function trustOver(names: { readonly decision: string; readonly log: string }, to_index: number | null = null): Trust {
  const entry = (name: string, purpose: 'decision' | 'log', role: string, until: number | null) => ({
    ...publicKeyOf(rawPublicKey(signerOf(name).public_key_spki)),
    purpose,
    role,
    from_index: 0,
    to_index: until,
  });
  return trustOf(origin, [entry(names.decision, 'decision', 'governance', to_index), entry(names.log, 'log', 'log', null)]);
}

export function promotionDraft(run: number): RecordDraft {
  const snapshot_hash = digestOf(`snapshot ${run}`);
  return draftRecord({
    kind: 'promotion',
    subject: [subjectOf(`gold/GDP@snap-${run}`, snapshot_hash)],
    run_id: `run-${run}`,
    tenant_id: 'default',
    dataset_id: 'gold',
    recorded_at: '2026-11-21T03:00:00.000Z',
    predicate: {
      environment: 'local_parity',
      service_release_id: 'govctl-0.1.0',
      actor: { actor_id: 'HUMAN::alice', authenticated_by: 'api-key:k1' },
      salt: digestOf(`salt ${run}`).slice(7, 39),
      previous: null,
      promotion_type: 'raw_to_gdp',
      from_layer: 'RAW',
      to_layer: 'GDP',
      snapshot_id: `snap-${run}`,
      snapshot_hash,
      generation: run,
      fence: run,
      replaced_snapshot_id: null,
      decision_ref: digestOf(`decision ${run}`),
      policy_rev: digestOf('policy'),
    },
  });
}

export type TestLog = {
  readonly records: readonly StoredRecord[];
  readonly checkpoint: string;
  readonly root: Uint8Array;
  readonly readNode: ReadNode;
  file(index: number): EvidenceFile;
};

/** A whole log over drafts, signed with named keys: what a daemon would have stored. */
export function buildLog(drafts: readonly RecordDraft[], names: { readonly decision: string; readonly log: string }): TestLog {
  const signer = signerOf(names.decision);
  const nodes = new Map<string, Uint8Array>();
  const appender = new TreeAppender(0, []);
  const records = drafts.map(({ ref, payload }, leaf_index) => {
    const body = leafBody(ref, [signPayload(payload, signer)]);
    const leaf = leafHash(body);
    nodes.set(`0/${leaf_index}`, leaf);
    for (const node of appender.append(leaf)) nodes.set(`${node.level}/${node.index}`, node.hash);
    return { ref, leaf_index, payload, body };
  });
  const readNode: ReadNode = (level, index) => {
    const hash = nodes.get(`${level}/${index}`);
    if (hash === undefined) throw new RangeError(`no node ${level}/${index}`);
    return hash;
  };
  const checkpoint = signCheckpoint({ origin, size: appender.size, root: appender.root() }, signerOf(names.log));
  return {
    records,
    checkpoint,
    root: appender.root(),
    readNode,
    file: (index) => {
      const record = records[index];
      if (record === undefined) throw new RangeError(`no record ${index}`);
      return evidenceFile(record, inclusionProof(index, records.length, readNode), checkpoint);
    },
  };
}

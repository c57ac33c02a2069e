import { createPublicKey } from 'node:crypto';
import { decodeBase64 } from '../../evidence/base64.ts';
import { verifySignature } from '../../evidence/dsse.ts';
import { canonicalJson } from '../../evidence/jcs.ts';
import type { SubmittedBundle } from '../bundle.ts';
import type { SignerKeyFact } from '../facts.ts';
import { evidence, fail, type Gate, type Moment, noContract, notRequired, pass } from '../gate.ts';

export const bundlePayloadType = 'application/vnd.govctl.evidence-bundle+json';

/** The bytes a signer of an evidence bundle signs (in DSSE's encoding): RFC 8785 of the bundle without its `signers`. */
export function bundlePayload(bundle: SubmittedBundle): Uint8Array {
  const { signers: _, ...signed } = bundle;
  return Buffer.from(canonicalJson(signed));
}

/** Enough distinct, enrolled and valid keys in the asked roles signed exactly this bundle. */
export const signersGate: Gate = {
  code: 'signers',
  asks: 'Do distinct valid keys in the right roles sign the bundle, up to the threshold?',
  otherwise: 'deny',
  judge(input, now) {
    const { bundle, facts, gate_set } = input;
    if (gate_set === 'rollback') return notRequired('a rollback has no evidence bundle of its own', 'rollback');
    if (facts.contract === null) return noContract(input);
    const { threshold, roles } = facts.contract.body.signers;
    if (threshold === 0 && roles.length === 0) return notRequired('the contract asks for no signatures');
    const { signed, refused } = whoSigned(bundle, facts.signer_keys, now);
    const lacking = roles.filter((role) => !signed.some((key) => key.role === role));
    const expected = `${threshold} distinct keys${roles.length === 0 ? '' : ` with ${roles.join(', ')}`}`;
    const found = signed.map((key) => evidence(`key:${key.key_id}`, null, key.valid_from, now));
    const [firstRefused] = refused;
    if (signed.length >= threshold && lacking.length === 0)
      return pass(`${signed.length} distinct keys signed`, expected, signed.length, found);
    return fail({
      reason_code: firstRefused?.code ?? (signed.length < threshold ? 'signers-too-few' : 'signers-role-missing'),
      reason: [
        ...refused.map(({ text }) => text),
        signed.length < threshold
          ? `${signed.length} of ${threshold} distinct keys signed`
          : `no signature in the role ${lacking.join(', ')}`,
      ].join('; '),
      expected,
      actual: signed.length,
      evidence: found,
      resolve: {
        who: roles.length === 0 ? 'an enrolled signer' : lacking.join(', ') || 'an enrolled signer',
        command: 'govctl gate explain signers',
      },
    });
  },
};

type Refusal = { readonly code: string; readonly text: string };

function whoSigned(bundle: SubmittedBundle, keys: readonly SignerKeyFact[], now: Moment): { signed: SignerKeyFact[]; refused: Refusal[] } {
  const payload = bundlePayload(bundle);
  const signed = new Map<string, SignerKeyFact>();
  const refused: Refusal[] = [];
  for (const { key_id, role, signature } of bundle.signers ?? []) {
    const key = keys.find((candidate) => candidate.key_id === key_id);
    if (key === undefined) refused.push({ code: 'signers-unknown-key', text: `${key_id} is not an enrolled key` });
    else if (key.role !== role) refused.push({ code: 'signers-wrong-role', text: `${key_id} is enrolled as ${key.role}, not as ${role}` });
    else if (!validAt(key, now)) refused.push({ code: 'signers-key-invalid', text: `${key_id} is not valid now` });
    else if (!signs(key, payload, signature))
      refused.push({ code: 'signers-bad-signature', text: `the signature of ${key_id} does not verify` });
    // Keyed by the public key: one key enrolled under two names is one signer.
    else signed.set(key.public_key, key);
  }
  return { signed: [...signed.values()], refused };
}

function validAt(key: SignerKeyFact, now: Moment): boolean {
  const from = Date.parse(key.valid_from);
  const ends = [key.valid_until, key.revoked_at].filter((end) => end !== null).map((end) => Date.parse(end));
  return from <= now.ms && ends.every((end) => now.ms < end);
}

function signs(key: SignerKeyFact, payload: Uint8Array, signature: string): boolean {
  const spki = decodeBase64(key.public_key);
  const sig = decodeBase64(signature);
  if (spki === undefined || sig === undefined) return false;
  try {
    return verifySignature(createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }), payload, sig, bundlePayloadType);
  } catch {
    // Not a key at all: whoever enrolled it, it signs nothing.
    return false;
  }
}

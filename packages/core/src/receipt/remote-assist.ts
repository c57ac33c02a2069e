import { SignJWT } from 'jose';
import type { CapabilityKey } from '../evidence/capability.ts';
import type { Receipt } from './receipt.ts';

export type AssistPlace = {
  /** Where help is: https, from the configuration and from nowhere else. */
  readonly url: string;
  readonly expiryMs: number;
};

export type AssistRequest = {
  /** The log this deployment signs, which names it to whoever helps. */
  readonly issuer: string;
  /** Opaque: names the run to those who have its receipt, and says nothing to anybody else. */
  readonly trace_id: string;
  /** When the run came to where it stands; the reference lives from then on. */
  readonly since: string;
};

/**
 * A link to whoever helps with broken data. The reference in it is signed and expires, and carries neither data nor names nor a
 * permission: it opens nothing here. It lives from when the run broke and not from when somebody looks, so that a receipt stays the same
 * bytes, and reading it again renews nothing. Null when its time is over.
 */
export async function remoteAssist(
  place: AssistPlace,
  { issuer, trace_id, since }: AssistRequest,
  signer: CapabilityKey,
  now: string,
): Promise<Receipt['remote_assist']> {
  const iat = Math.floor(Date.parse(since) / 1000);
  const exp = iat + Math.floor(place.expiryMs / 1000);
  if (exp * 1000 <= Date.parse(now)) return null;
  const reference = await new SignJWT({ iss: issuer, aud: new URL(place.url).origin, sub: trace_id, iat, exp })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'govctl-assist+jwt', kid: signer.kid })
    .sign(signer.key);
  const url = new URL(place.url);
  url.searchParams.set('ref', reference);
  return { url: url.href, expires_at: new Date(exp * 1000).toISOString() };
}

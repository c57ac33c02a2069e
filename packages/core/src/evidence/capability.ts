import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { confirmationSchema, refSchema } from '../api/common.ts';
import { checkCompactJws, jose, readOneSpelling } from './compact-jws.ts';

const tokenType = 'govctl-cap+jwt';
const algorithm = 'EdDSA';
/** Longest life of a capability in seconds, held by whoever checks it and not only by whoever makes it. */
export const maxCapabilityTtl = 300;
export const defaultCapabilityTtl = 60;
// Minting and checking may be two processes of a deployment; `exp` has no leeway.
const notBeforeLeeway = 5;
// A kid, and claims whose texts are bounded; a query parameter that is longer is not read at all.
const maxBytes = { header: 256, payload: 2800 };

const seconds = z.int().min(0);
const id = z.string().min(1).max(512);

/** What a capability allows: who may fetch which bytes, how, and until when. Times are NumericDate: seconds since 1970. */
export const capabilityClaimsSchema = z.strictObject({
  iss: id,
  aud: id,
  sub: id,
  /** The record that may be fetched. */
  ref: refSchema,
  /** Digest and length of the bytes, so that a lost first answer can be resumed and checked. */
  dig: refSchema,
  len: z.int().min(0),
  mth: z.tuple([z.literal('GET'), z.literal('HEAD')]),
  iat: seconds,
  nbf: seconds,
  exp: seconds,
  /** 128 random bits, hex: what is used up. */
  jti: z.string().regex(/^[0-9a-f]{32}$/, 'an id of 32 lower-case hex digits'),
  /** The ref-resolution record that was committed before this existed. */
  rid: refSchema,
  cnf: confirmationSchema.optional(),
});

export type CapabilityClaims = z.infer<typeof capabilityClaimsSchema>;

export type CapabilityRequest = Omit<CapabilityClaims, 'iat' | 'nbf' | 'exp' | 'mth'> & {
  /** Seconds to live; 60 unless said, 300 at most. */
  readonly ttl?: number;
};

export type CapabilityKey = { readonly kid: string; readonly key: KeyObject };

/**
 * Signs a capability. `now` is the deployment's clock.
 *
 * @throws RangeError for a life that no verifier would accept
 */
export async function mintCapability(
  request: CapabilityRequest,
  signer: CapabilityKey,
  now: Date,
): Promise<{ readonly token: string; readonly claims: CapabilityClaims }> {
  const { ttl = defaultCapabilityTtl, ...asked } = request;
  if (!Number.isInteger(ttl) || ttl < 1 || ttl > maxCapabilityTtl)
    throw new RangeError(`a capability lives 1 to ${maxCapabilityTtl} s, not ${ttl}`);
  const iat = Math.floor(now.getTime() / 1000);
  const claims = capabilityClaimsSchema.parse({ ...asked, mth: ['GET', 'HEAD'], iat, nbf: iat, exp: iat + ttl });
  const { SignJWT } = await jose();
  const token = await new SignJWT(claims).setProtectedHeader({ alg: algorithm, typ: tokenType, kid: signer.kid }).sign(signer.key);
  return { token, claims };
}

export type CapabilityRefusal =
  | 'malformed'
  | 'untrusted'
  | 'expired'
  | 'not-yet-valid'
  | 'too-long-lived'
  | 'wrong-audience'
  | 'wrong-claims';

export type CapabilityCheck =
  | { readonly ok: true; readonly claims: CapabilityClaims }
  | { readonly ok: false; readonly reason: CapabilityRefusal };

export type CapabilityPolicy = {
  /** The deployment's capability keys by `kid`; two while they rotate. */
  readonly keys: readonly CapabilityKey[];
  readonly issuer: string;
  readonly audience: string;
  readonly now: Date;
};

/**
 * Checks everything a capability says of itself. Whether its jti was used, revoked or may be used from this connection is asked of
 * the database, by the caller. Never throws on a hostile token.
 */
export async function checkCapability(token: string, policy: CapabilityPolicy): Promise<CapabilityCheck> {
  const signed = await checkCompactJws(token, { algorithm, keyFor: (header) => keyFor(header, policy.keys), maxBytes });
  if (!signed.ok) return refuse(signed.reason);
  const read = readOneSpelling(Buffer.from(signed.payload));
  if (read === undefined) return refuse('wrong-claims');
  const parsed = capabilityClaimsSchema.safeParse(read.value);
  if (!parsed.success) return refuse('wrong-claims');
  const { iss, aud, iat, nbf, exp } = parsed.data;
  if (iss !== policy.issuer || aud !== policy.audience) return refuse('wrong-audience');
  if (exp - iat > maxCapabilityTtl || exp <= iat || nbf < iat) return refuse('too-long-lived');
  const now = policy.now.getTime() / 1000;
  if (exp <= now) return refuse('expired');
  if (Math.max(iat, nbf) > now + notBeforeLeeway) return refuse('not-yet-valid');
  return { ok: true, claims: parsed.data };
}

const headerSchema = z.strictObject({ alg: z.literal(algorithm), typ: z.literal(tokenType), kid: z.string().min(1).max(128) });

/** Closed: `crit`, `b64`, `jwk`, `jku` and whatever else a header can name is none of ours, and neither is a token of another type. */
function keyFor(header: unknown, keys: readonly CapabilityKey[]): KeyObject | 'malformed' | 'untrusted' {
  const parsed = headerSchema.safeParse(header);
  if (!parsed.success) return 'malformed';
  return keys.find(({ kid }) => kid === parsed.data.kid)?.key ?? 'untrusted';
}

function refuse(reason: CapabilityRefusal): CapabilityCheck {
  return { ok: false, reason };
}

import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { refSchema } from '../api/common.ts';

const tokenType = 'govctl-cap+jwt';
const algorithm = 'EdDSA';
/** Longest life of a capability in seconds, held by whoever checks it and not only by whoever makes it. */
export const maxCapabilityTtl = 300;
export const defaultCapabilityTtl = 60;
// Minting and checking may be two processes of a deployment; `exp` has no leeway.
const notBeforeLeeway = 5;
const maxTokenLength = 4096;

type Jose = typeof import('jose');
// Loaded when first needed: most commands that import this folder never see a token.
const jose = (): Promise<Jose> => import('jose');

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
  jti: z.string().regex(/^[0-9a-f]{32}$/),
  /** The ref-resolution record that was committed before this existed. */
  rid: refSchema,
  cnf: z.strictObject({ 'x5t#S256': z.string().regex(/^[A-Za-z0-9_-]{43}$/) }).optional(),
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
  const kid = readKid(token);
  if (kid === undefined) return refuse('malformed');
  const key = policy.keys.find((candidate) => candidate.kid === kid);
  if (key === undefined) return refuse('untrusted');
  let payload: unknown;
  try {
    const verified = await (await jose()).jwtVerify(token, key.key, {
      algorithms: [algorithm],
      typ: tokenType,
      issuer: policy.issuer,
      audience: policy.audience,
      currentDate: policy.now,
      clockTolerance: notBeforeLeeway,
      requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti'],
    });
    payload = verified.payload;
  } catch (error) {
    return refuse(refusalOf(error, (await jose()).errors));
  }
  const parsed = capabilityClaimsSchema.safeParse(payload);
  if (!parsed.success) return refuse('wrong-claims');
  const { iat, nbf, exp } = parsed.data;
  const now = policy.now.getTime() / 1000;
  if (exp - iat > maxCapabilityTtl || exp <= iat || nbf < iat) return refuse('too-long-lived');
  if (exp <= now) return refuse('expired');
  if (iat > now + notBeforeLeeway) return refuse('not-yet-valid');
  return { ok: true, claims: parsed.data };
}

const headerSchema = z.strictObject({ alg: z.literal(algorithm), typ: z.literal(tokenType), kid: z.string().min(1).max(128) });

/**
 * The key id of a token in the one spelling it may have: three parts of canonical base64url. Decoders forgive spaces, padding and
 * stray bits, and a token with two spellings could be presented twice.
 */
function readKid(token: string): string | undefined {
  if (token.length > maxTokenLength) return undefined;
  const parts = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/.exec(token)?.slice(1);
  if (parts === undefined || parts.some((part) => Buffer.from(part, 'base64url').toString('base64url') !== part)) return undefined;
  try {
    const header = headerSchema.safeParse(JSON.parse(Buffer.from(parts[0] ?? '', 'base64url').toString('utf8')));
    return header.success ? header.data.kid : undefined;
  } catch {
    return undefined;
  }
}

function refusalOf(error: unknown, errors: Jose['errors']): CapabilityRefusal {
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud' || error.claim === 'iss') return 'wrong-audience';
    return error.claim === 'nbf' || error.claim === 'iat' ? 'not-yet-valid' : 'wrong-claims';
  }
  return error instanceof errors.JWSSignatureVerificationFailed ? 'untrusted' : 'malformed';
}

function refuse(reason: CapabilityRefusal): CapabilityCheck {
  return { ok: false, reason };
}

/**
 * Just enough of edwards25519 (RFC 8032, 5.1) to judge a public key at enrolment. Not constant time and not fast: it sees public
 * values, once a key. Signatures are node:crypto's.
 */
const p = 2n ** 255n - 19n;
const order = 2n ** 252n + 27742317777372353535851937790883648493n;
const d = mod(-121665n * inverse(121666n));
const sqrtMinusOne = power(2n, (p - 1n) / 4n);

/** Extended coordinates: x = X/Z, y = Y/Z, xy = T/Z. */
type Point = { readonly X: bigint; readonly Y: bigint; readonly Z: bigint; readonly T: bigint };

const identity: Point = { X: 0n, Y: 1n, Z: 1n, T: 0n };

function mod(value: bigint): bigint {
  const rest = value % p;
  return rest < 0n ? rest + p : rest;
}

function power(base: bigint, exponent: bigint): bigint {
  let result = 1n;
  let factor = mod(base);
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = mod(result * factor);
    factor = mod(factor * factor);
  }
  return result;
}

function inverse(value: bigint): bigint {
  return power(value, p - 2n);
}

function add(a: Point, b: Point): Point {
  const A = mod((a.Y - a.X) * (b.Y - b.X));
  const B = mod((a.Y + a.X) * (b.Y + b.X));
  const C = mod(2n * d * a.T * b.T);
  const D = mod(2n * a.Z * b.Z);
  const [E, F, G, H] = [B - A, D - C, D + C, B + A];
  return { X: mod(E * F), Y: mod(G * H), Z: mod(F * G), T: mod(E * H) };
}

function multiply(point: Point, scalar: bigint): Point {
  let result = identity;
  let addend = point;
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if ((rest & 1n) === 1n) result = add(result, addend);
    addend = add(addend, addend);
  }
  return result;
}

function isIdentity({ X, Y, Z }: Point): boolean {
  return mod(X) === 0n && mod(Y - Z) === 0n;
}

/** RFC 8032, 5.1.3, strictly: undefined when the 32 bytes are not the one encoding of a point on the curve. */
function decode(encoded: Uint8Array): Point | undefined {
  const bytes = Buffer.from(encoded).reverse();
  const sign = (bytes[0] ?? 0) >> 7;
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  const y = BigInt(`0x${bytes.toString('hex')}`);
  if (y >= p) return undefined;
  const u = mod(y * y - 1n);
  const v = mod(d * y * y + 1n);
  let x = mod(u * v ** 3n * power(u * v ** 7n, (p - 5n) / 8n));
  if (mod(v * x * x) !== u) {
    x = mod(x * sqrtMinusOne);
    if (mod(v * x * x) !== u) return undefined;
  }
  if (x === 0n && sign === 1) return undefined;
  if (Number(x & 1n) !== sign) x = p - x;
  return { X: x, Y: y, Z: 1n, T: mod(x * y) };
}

/**
 * Why a raw Ed25519 public key must not be enrolled, or undefined when it may. node:crypto verifies with all of these: with a
 * low-order key anyone can make signatures, and with a key that has a low-order part or two encodings, verifiers differ.
 */
export function weakKeyReason(publicKey: Uint8Array): string | undefined {
  if (publicKey.byteLength !== 32) return 'it is not 32 bytes long';
  const point = decode(publicKey);
  if (point === undefined) return 'it is not the canonical encoding of a point on the curve';
  if (isIdentity(multiply(point, 8n))) return 'it is a point of low order';
  if (!isIdentity(multiply(point, order))) return 'it has a component of low order';
  return undefined;
}

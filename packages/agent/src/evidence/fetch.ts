import { Readable } from 'node:stream';
import { type accessRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type ByteRange, type CapabilityClaims, rangeOf } from '@govctl/core/evidence';
import { type Handlers, Reply } from '../http/index.ts';
import type { AccessDependencies, AccessOutcome } from './access.ts';
import { type Asked, admitted, told } from './capability-gate.ts';
import { resumedAtMost, useCapability } from './capability-use.ts';
import { checkedPart } from './checked-part.ts';
import { denialLimit } from './denial-limit.ts';

/** What a capability opens, once; every refusal of one that was signed here is on record. */
export function fetchHandlers(deps: AccessDependencies): Pick<Handlers<typeof accessRoutes>, 'evidence.fetch' | 'evidence.head'> {
  const { logger } = deps;
  // A GET uses the URL up, and can be continued so often; a HEAD uses nothing up, and costs the same questions.
  const looks = denialLimit(1 + resumedAtMost);

  const looked = (claims: CapabilityClaims, request_id: string, now: string): void => {
    const share = looks.take(claims.jti, Date.parse(now));
    if (share.granted) return;
    logger.warn({ ...told({ request_id, claims }), outcome: 'looked-too-often' }, 'capability refused');
    deps.counted('looked-too-often');
    throw new Problem('too-many-requests', {
      detail: `the capability was looked at ${1 + resumedAtMost} times within a minute, as often as one may be`,
      hint: 'GET it',
      retryAfterSeconds: share.retryAfterSeconds,
    });
  };

  return {
    async 'evidence.head'({ query: { cap }, ...context }) {
      const { asked } = await admitted(deps, cap, context, (claims) => looked(claims, context.request_id, context.now));
      logger.info({ ...told(asked), bytes: 0, outcome: 'head' }, 'evidence looked at');
      deps.counted('head');
      return new Reply(200, null, headersOf(asked.claims, { from: 0, end: asked.claims.len }));
    },

    async 'evidence.fetch'({ query: { cap }, ...context }) {
      const { asked, source } = await admitted(deps, cap, context);
      const { claims } = asked;
      const etag = etagOf(claims);
      const range = rangeOf(context.headers.range, textOf(context.headers['if-range']), etag, claims.len);
      if (range.kind === 'unsatisfiable') return notSatisfiable(range.why, claims, context.request_id);
      const part = range.kind === 'part' ? { from: range.from, end: range.end } : undefined;
      const outcome = await useCapability(deps, asked, part, etag);
      const asks = part ?? { from: 0, end: claims.len };
      const status = part === undefined ? 200 : 206;
      if (source.whole !== null) {
        const bytes = source.whole.subarray(asks.from, asks.end);
        logger.info({ ...told(asked), bytes: bytes.byteLength, outcome }, 'evidence fetched');
        deps.counted(outcome);
        return new Reply(status, bytes, headersOf(claims, asks, part !== undefined));
      }
      const checked = checkedPart(source.pieces(), { digest: claims.dig, length: claims.len }, asks);
      const body = Readable.from(logged(deps, checked, asked, outcome, asks.end - asks.from), { objectMode: true, highWaterMark: 1 });
      return new Reply(status, body, headersOf(claims, asks, part !== undefined));
    },
  };
}

/** What is sent, and in the end what became of it. */
async function* logged(
  { logger, counted }: AccessDependencies,
  parts: AsyncIterable<Buffer>,
  asked: Asked,
  outcome: AccessOutcome,
  length: number,
): AsyncGenerator<Buffer> {
  let bytes = 0;
  let failure: unknown;
  try {
    for await (const part of parts) {
      bytes += part.byteLength;
      yield part;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    const whole = bytes === length && failure === undefined;
    const became = whole ? outcome : failure === undefined ? 'broken' : 'digest-differs';
    logger[failure === undefined ? 'info' : 'error']({ ...told(asked), bytes, outcome: became, err: failure }, 'evidence fetched');
    counted(became);
  }
}

/** A header that came twice is one text with a comma in it, which is no tag. */
function textOf(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}

function etagOf({ dig }: CapabilityClaims): string {
  return `"${dig}"`;
}

function headersOf(claims: CapabilityClaims, { from, end }: ByteRange, partial = false): Record<string, string> {
  const hex = claims.ref.slice('sha256:'.length);
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(end - from),
    ...(partial ? { 'content-range': `bytes ${from}-${end - 1}/${claims.len}` } : {}),
    'accept-ranges': 'bytes',
    'cache-control': 'private, no-store',
    'content-disposition': `attachment; filename="evidence-${hex.slice(0, 12)}.json"`,
    'referrer-policy': 'no-referrer',
    etag: etagOf(claims),
    'repr-digest': `sha-256=:${Buffer.from(claims.dig.slice('sha256:'.length), 'hex').toString('base64')}:`,
  };
}

/** Uses nothing up: nothing was sent. */
function notSatisfiable(why: string, { len }: CapabilityClaims, requestId: string): Reply {
  const problem = new Problem('range-not-satisfiable', { detail: why, hint: 'ask for one range: Range: bytes=FIRST-' });
  return new Reply(416, JSON.stringify({ schemaVersion, kind: 'Problem', ...problem.toDocument(requestId) }), {
    'content-type': 'application/problem+json; charset=utf-8',
    'content-range': `bytes */${len}`,
  });
}

import { Readable } from 'node:stream';
import { type accessRoutes, Problem, schemaVersion } from '@govctl/core/api';
import { type ByteRange, type CapabilityClaims, checkCapability, digestOf, rangeOf } from '@govctl/core/evidence';
import type { Change } from '@govctl/core/journal';
import { type Handlers, Reply, type RequestContext } from '../http/index.ts';
import { type AccessDependencies, type AccessOutcome, audienceOf } from './access.ts';
import { capabilityProblem, noGrant } from './access-problem.ts';
import { type CapabilityRow, capabilityByJti } from './capability-queries.ts';
import { checkedPart } from './checked-part.ts';
import { denialLimit } from './denial-limit.ts';
import { type EvidenceSource, erased, evidenceSource, type PiecewiseRow, recordByPieces } from './evidence-bytes.ts';
import { mayAccess } from './grant.ts';
import { recordWithCover } from './queries.ts';
import { askerOf, recordDenial } from './resolution.ts';

/** Continuations of one download: enough for a bad line, too few to hand a record around. */
const resumedAtMost = 16;
/** How often a decision is made anew because the row moved in between. */
const attempts = 3;

type Asked = Pick<RequestContext, 'request_id' | 'now' | 'headers'> & {
  readonly claims: CapabilityClaims;
  readonly record: PiecewiseRow;
  readonly row: CapabilityRow;
};

/** What a capability opens, once; every refusal of one that was signed here is on record. */
export function fetchHandlers(deps: AccessDependencies): Pick<Handlers<typeof accessRoutes>, 'evidence.fetch' | 'evidence.head'> {
  const { database, journal, capability, logger } = deps;
  // A GET uses the URL up, and can be continued so often; a HEAD uses nothing up, and costs the same questions.
  const looks = denialLimit(1 + resumedAtMost);

  const told = ({ request_id, claims }: Pick<Asked, 'request_id' | 'claims'>) => ({
    request_id,
    actor: claims.sub,
    authenticated_by: `capability:${claims.jti}`,
    ref: claims.ref,
    digest: claims.dig,
    jti: claims.jti,
  });

  /** Said, counted, and on record: somebody holds a URL that was made here. */
  const refuse = async (asked: Asked, outcome: AccessOutcome, problem: Problem): Promise<never> => {
    const { claims, record, request_id, now } = asked;
    logger.warn({ ...told(asked), outcome }, 'capability refused');
    deps.counted(outcome);
    const actor = { actor_id: claims.sub, authenticated_by: `capability:${claims.jti}` };
    const what = { actor, ref: claims.ref, owner: record, reason: `${outcome}: ${problem.message}`, jti: claims.jti, request_id, now };
    await recordDenial(deps, what);
    throw problem;
  };

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

  /**
   * Everything but whether it was used: is it ours, does it still hold, may its holder still read this?
   * @param known told of what was signed here, before anything is asked of the database
   */
  const admitted = async (
    cap: string,
    { request_id, now, headers, confirmation }: Pick<RequestContext, 'request_id' | 'now' | 'headers' | 'confirmation'>,
    known: (claims: CapabilityClaims) => void = () => {},
  ): Promise<{ readonly asked: Asked; readonly source: EvidenceSource }> => {
    const policy = { keys: capability.verifiers, issuer: capability.issuer, audience: audienceOf(deps), now: new Date(now) };
    const checked = await checkCapability(cap, policy);
    if (!checked.ok) {
      // Nobody has proved to be anybody: this stays out of the evidence log, which a stranger could fill otherwise.
      logger.warn({ request_id, outcome: checked.reason }, 'capability refused');
      deps.counted(checked.reason);
      throw capabilityProblem(checked.reason);
    }
    const { claims } = checked;
    known(claims);
    const [[record], [resolution], [row]] = await database.read([
      recordByPieces({ ref: claims.ref }),
      recordWithCover({ ref: claims.rid }),
      capabilityByJti({ jti: claims.jti }),
    ]);
    const asker = resolution === undefined ? undefined : askerOf(resolution, claims);
    if (record === undefined || asker === undefined || row === undefined) {
      logger.warn({ ...told({ request_id, claims }), outcome: 'unrecorded' }, 'capability refused');
      deps.counted('unrecorded');
      throw new Problem('forbidden', {
        detail: 'this log has no resolution for the capability',
        hint: 'get a new one: govctl evidence get REF',
      });
    }
    const asked = { request_id, now, headers, claims, record, row };
    if (claims.cnf !== undefined && claims.cnf['x5t#S256'] !== confirmation)
      return await refuse(
        asked,
        'wrong-holder',
        new Problem('forbidden', { detail: 'the capability is bound to another client certificate' }),
      );
    if (row.revoked_at !== null) return await refuse(asked, 'revoked', revoked(claims));
    // Authority may have gone since the URL was made.
    const standing = await deps.authority.current(asker, now);
    if (!mayAccess(standing, 'evidence.read', record)) return await refuse(asked, 'gate-closed', noGrant(asker, record));
    if (record.payload_length === null) return await refuse(asked, 'erased', erased(claims.ref));
    const source = await evidenceSource(database, record, deps.checkpointOf);
    if (source.length !== claims.len || (source.whole !== null && digestOf(source.whole) !== claims.dig))
      return await refuse(asked, 'digest-differs', differs(claims));
    return { asked, source };
  };

  /** Uses the capability up, or continues what its use began. Two who come at once both read that it is unused; one of them writes. */
  const use = async (asked: Asked, part: ByteRange | undefined, etag: string): Promise<'served' | 'resumed'> => {
    const { claims, now, headers } = asked;
    let row: CapabilityRow | undefined = asked.row;
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      if (row === undefined || row.revoked_at !== null) return await refuse(asked, 'revoked', revoked(claims));
      const begun = row.used_at !== null;
      if (begun && (part === undefined || headers['if-range'] !== etag)) {
        const detail = 'the capability was used before; each works once';
        return await refuse(asked, 'replayed', new Problem('gone', { detail, hint: `govctl evidence get ${claims.ref}` }));
      }
      if (begun && Number(row.resumed) >= resumedAtMost) {
        const detail = `the download was continued ${resumedAtMost} times, as often as one may be`;
        return await refuse(asked, 'resumed-too-often', new Problem('gone', { detail, hint: `govctl evidence get ${claims.ref}` }));
      }
      const change: Change = begun
        ? { write: 'capability.resume', values: { jti: claims.jti, now, most: resumedAtMost } }
        : { write: 'capability.use', values: { jti: claims.jti, used_at: now } };
      const written = await journal.commit({ label: 'evidence.fetch', changes: [change], records: [], events: [] });
      if (written.ok) return begun ? 'resumed' : 'served';
      // Somebody was quicker: what is there now says what this request is.
      [[row]] = await database.read([capabilityByJti({ jti: claims.jti })]);
    }
    throw new Problem('conflict', { detail: 'the capability was used by others at the same time', hint: 'try again' });
  };

  async function* logged(parts: AsyncIterable<Buffer>, asked: Asked, outcome: AccessOutcome, length: number): AsyncGenerator<Buffer> {
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
      deps.counted(became);
    }
  }

  return {
    async 'evidence.head'({ query: { cap }, ...context }) {
      const { asked } = await admitted(cap, context, (claims) => looked(claims, context.request_id, context.now));
      logger.info({ ...told(asked), bytes: 0, outcome: 'head' }, 'evidence looked at');
      deps.counted('head');
      return new Reply(200, null, headersOf(asked.claims, { from: 0, end: asked.claims.len }));
    },

    async 'evidence.fetch'({ query: { cap }, ...context }) {
      const { asked, source } = await admitted(cap, context);
      const { claims } = asked;
      const etag = etagOf(claims);
      const range = rangeOf(context.headers.range, textOf(context.headers['if-range']), etag, claims.len);
      if (range.kind === 'unsatisfiable') return notSatisfiable(range.why, claims, context.request_id);
      const part = range.kind === 'part' ? { from: range.from, end: range.end } : undefined;
      const outcome = await use(asked, part, etag);
      const asks = part ?? { from: 0, end: claims.len };
      const status = part === undefined ? 200 : 206;
      if (source.whole !== null) {
        const bytes = source.whole.subarray(asks.from, asks.end);
        logger.info({ ...told(asked), bytes: bytes.byteLength, outcome }, 'evidence fetched');
        deps.counted(outcome);
        return new Reply(status, bytes, headersOf(claims, asks, part !== undefined));
      }
      const checked = checkedPart(source.pieces(), { digest: claims.dig, length: claims.len }, asks);
      const body = Readable.from(logged(checked, asked, outcome, asks.end - asks.from), { objectMode: true, highWaterMark: 1 });
      return new Reply(status, body, headersOf(claims, asks, part !== undefined));
    },
  };
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

function revoked({ ref }: CapabilityClaims): Problem {
  return new Problem('forbidden', { detail: 'the capability was revoked', hint: `ask for a new one: govctl evidence get ${ref}` });
}

function differs({ ref }: CapabilityClaims): Problem {
  return new Problem('digest-mismatch', {
    detail: `what is stored as ${ref} is not what the capability was made for`,
    hint: 'govctl log verify; then ask for a new URL',
  });
}

import { lookup as systemLookup } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isLoopback, mayConnect } from './address.ts';

type Resolved = { readonly address: string; readonly family: number };
type Resolve = (hostname: string) => Promise<readonly Resolved[]>;

export type PosterOptions = {
  readonly allowHosts: readonly string[];
  readonly allowLoopback: boolean;
  /** Networks of one's own too; no when left out. */
  readonly allowPrivate?: boolean;
  readonly timeoutMs: number;
  /** The answers are of interest too, as far as they are short. */
  readonly keepAnswers?: boolean;
  readonly resolve?: Resolve;
  /** Certificates to believe instead of the system's; for tests. */
  readonly ca?: string;
};

type Answer = { readonly status: number; readonly retry_after_s: number | null; readonly body?: string };

export type Poster = {
  /**
   * Posts once. Resolves for any answer there was, whatever its status; a redirect is an answer like others and is not followed.
   * @throws Error that says what was wrong, without anything of the message or of what was answered
   */
  post(url: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Answer>;
  close(): void;
};

/** More than this of an answer is not read, and the connection not kept. */
const answerLimit = 64 * 1024;
/** The system's resolver blocks a thread of a small pool that others need too. */
const lookupLimit = 2;

/**
 * Reaches receivers on the network: only hosts of the configuration, only addresses that are public. The name is resolved once for each
 * connection, every address is looked at, and the connection goes to exactly those: a name that answers differently the second time
 * gains nothing by it.
 */
export function poster(options: PosterOptions): Poster {
  const { allowHosts, allowLoopback, allowPrivate = false, keepAnswers = false, timeoutMs } = options;
  const resolve = limited(options.resolve ?? ((hostname) => systemLookup(hostname, { all: true, verbatim: true })), lookupLimit);

  const examine = (host: string, found: readonly Resolved[], plain: boolean) => {
    if (found.length === 0) throw new Error(`${host} has no address`);
    for (const { address } of found) {
      if (!mayConnect(address, allowLoopback, allowPrivate))
        throw new Error(`refused: ${host} is at ${address}, which is not a public address`);
      if (plain && !isLoopback(address)) throw new Error(`refused: http to ${host}, which is not on loopback`);
    }
  };
  const lookupOf =
    (plain: boolean): LookupFunction =>
    (hostname, lookupOptions, callback) => {
      resolve(hostname).then(
        (found) => {
          try {
            examine(hostname, found, plain);
          } catch (error) {
            callback(error as NodeJS.ErrnoException, '', 0);
            return;
          }
          const [first] = found;
          if (lookupOptions.all) callback(null, [...found] as { address: string; family: number }[]);
          else callback(null, first?.address ?? '', first?.family ?? 4);
        },
        (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
      );
    };
  const pool = { keepAlive: true, maxSockets: 8, maxFreeSockets: 2, timeout: timeoutMs };
  const agents = {
    plain: new HttpAgent({ ...pool, lookup: lookupOf(true) }),
    secure: new HttpsAgent({ ...pool, lookup: lookupOf(false), ...(options.ca === undefined ? {} : { ca: options.ca }) }),
  };

  return {
    async post(url, headers, body, signal) {
      const { protocol, hostname } = new URL(url);
      const plain = protocol === 'http:';
      if (!allowHosts.includes(hostname)) throw new Error(`refused: ${hostname} is not one of webhooks.allow_hosts`);
      if (plain && !allowLoopback) throw new Error('refused: http');
      // An address that stands in the URL itself is never looked up.
      const literal = hostname.replace(/^\[|\]$/g, '');
      if (isIP(literal) !== 0) examine(hostname, [{ address: literal, family: isIP(literal) }], plain);
      const send = plain ? httpRequest : httpsRequest;
      // Of the whole exchange: one that drips a byte a minute is as good as down.
      const deadline = AbortSignal.timeout(timeoutMs);
      try {
        return await new Promise<Answer>((done, fail) => {
          const request = send(url, {
            method: 'POST',
            agent: plain ? agents.plain : agents.secure,
            headers: { ...headers, 'content-length': Buffer.byteLength(body) },
            signal: AbortSignal.any([signal, deadline]),
          });
          request.once('error', fail);
          request.once('response', (response: IncomingMessage) => {
            const answer = { status: response.statusCode ?? 0, retry_after_s: secondsOf(response.headers['retry-after']) };
            drain(response).then((body) => done(keepAnswers ? { ...answer, body } : answer), fail);
          });
          request.end(body);
        });
      } catch (error) {
        if (signal.aborted) throw new Error('stopped');
        if (deadline.aborted) throw new Error(`no answer within ${timeoutMs} ms`);
        throw new Error(plainReason(error));
      }
    },
    close() {
      agents.plain.destroy();
      agents.secure.destroy();
    },
  };
}

async function drain(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += (chunk as Buffer).byteLength;
    if (size > answerLimit) {
      response.destroy();
      return '';
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function secondsOf(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) : null;
}

/** An error of the network by its code: several addresses may each have had theirs. */
function plainReason(error: unknown): string {
  if (error instanceof AggregateError) return plainReason(error.errors[0]);
  if (!(error instanceof Error)) return 'it failed';
  // What Node advises those who start it themselves.
  const [said, advice] = error.message.split('; if the root CA is installed locally');
  return advice === undefined ? error.message.slice(0, 256) : `its certificate is not trusted on this host: ${said}`;
}

function limited(resolve: Resolve, limit: number): Resolve {
  const queue: (() => void)[] = [];
  let busy = 0;
  return async (hostname) => {
    if (busy >= limit) await new Promise<void>((next) => queue.push(next));
    busy += 1;
    try {
      return await resolve(hostname);
    } finally {
      busy -= 1;
      queue.shift()?.();
    }
  };
}

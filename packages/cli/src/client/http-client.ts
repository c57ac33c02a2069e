import { readFileSync } from 'node:fs';
import {
  apiWindow,
  apiWindowHeader,
  commonApiVersion,
  faultText,
  formatApiWindow,
  isProblem,
  Problem,
  type ProblemCode,
  parseApiWindow,
  problemSchema,
  problemTable,
  type Route,
  readAs,
} from '@govctl/core/api';
import type { Target } from '../context/target.ts';
import type { CallOptions, Client, Continuation, Download, Upload } from './client.ts';
import { connectProblem } from './connect-problem.ts';
import type { Connection, HttpAnswer, HttpRequest } from './connection.ts';
import { loadRoute } from './load-route.ts';
import { requestPath } from './request-url.ts';
import { connectSocket } from './socket-connection.ts';
import { parseEvents } from './sse.ts';

export type HttpClientOptions = {
  readonly target: Target;
  /** Ends every call: Ctrl-C. */
  readonly signal: AbortSignal;
  /** `--timeout`, for one exchange; 30 s when absent. */
  readonly timeoutMs: number | undefined;
};

type Sent = {
  readonly route: Route;
  readonly path: string;
  readonly body?: HttpRequest['body'];
  readonly contentType?: string;
  readonly length?: number;
  readonly stream?: true;
  readonly headers?: Readonly<Record<string, string>>;
};

const defaultTimeoutMs = 30_000;
const answerLimit = 256 * 1024 * 1024;

/** The client over a unix socket, or TLS where the context has a URL. */
export function createHttpClient(options: HttpClientOptions): Client {
  const { target } = options;
  let connection: Promise<Connection> | undefined;
  let key: string | undefined;

  const connected = () => {
    connection ??= connect(target);
    return connection;
  };
  const apiKey = () => {
    key ??= readApiKey(target.api_key_file);
    return key;
  };

  const exchange = async (sent: Sent, call: CallOptions | undefined, credentials: boolean): Promise<HttpAnswer> => {
    const timeoutMs = call?.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs;
    const timer = sent.stream === true ? undefined : AbortSignal.timeout(timeoutMs);
    const signals = [options.signal, ...(call?.signal === undefined ? [] : [call.signal]), ...(timer === undefined ? [] : [timer])];
    const authorization = credentials && sent.route.action !== 'open' ? apiKey() : undefined;
    const http = await connected();
    let answer: HttpAnswer;
    try {
      answer = await http.request({
        method: sent.route.method,
        path: sent.path,
        body: sent.body ?? null,
        signal: AbortSignal.any(signals),
        headers: {
          accept: sent.stream === true ? 'text/event-stream, application/problem+json' : 'application/json, application/problem+json, */*',
          [apiWindowHeader]: formatApiWindow(apiWindow),
          traceparent: `00-${traceHex(4)}-${traceHex(2)}-01`,
          ...(authorization === undefined ? {} : { authorization: `Bearer ${authorization}` }),
          ...(sent.contentType === undefined ? {} : { 'content-type': sent.contentType }),
          ...(sent.length === undefined ? {} : { 'content-length': String(sent.length) }),
          ...sent.headers,
        },
      });
    } catch (error) {
      throw await wayProblem(error, target, options.signal, call?.signal, timer, timeoutMs);
    }
    assertApiVersion(answer, target);
    // A route may answer its document with another status: /readyz does, when it is not.
    const isAnswer = sent.route.response !== undefined && String(answer.headers['content-type']).startsWith('application/json');
    if (answer.statusCode >= 400 && !isAnswer) throw await answeredProblem(answer, sent.route);
    return answer;
  };

  const requestOf = async (name: string, input: { params?: unknown; query?: unknown; body?: unknown } | undefined): Promise<Sent> => {
    const route = await loadRoute(name);
    const path = requestPath(route, input ?? {});
    return input?.body === undefined ? { route, path } : { route, path, body: JSON.stringify(input.body), contentType: 'application/json' };
  };

  const json = async (answer: HttpAnswer, route: Route): Promise<unknown> => {
    const text = await bodyText(answer);
    if (route.response === undefined) return undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      throw notOurs(target, 'its answer is not JSON', error);
    }
    const read = readAs(route.response, value);
    if (read.ok) return read.value;
    throw new Problem('internal', {
      detail: `govd's answer to ${route.method} ${route.path} is not what was agreed: ${faultText(read.faults)}`,
      hint: 'govctl version --daemon',
    });
  };

  async function* toldOf(body: AsyncIterable<Uint8Array>, call: CallOptions | undefined): AsyncGenerator<Uint8Array> {
    try {
      yield* body;
    } catch (error) {
      throw await wayProblem(
        error,
        target,
        options.signal,
        call?.signal,
        undefined,
        call?.timeoutMs ?? options.timeoutMs ?? defaultTimeoutMs,
      );
    }
  }

  const download = async (sent: Sent, call: CallOptions | undefined, credentials: boolean): Promise<Download> => {
    const answer = await exchange(sent, call, credentials);
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(answer.headers))
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
    return { status: answer.statusCode, headers, body: toldOf(answer.body, call) };
  };

  // The interface types every call by its route; inside, routes are looked up by name and checked by their schemas.
  const client: Record<keyof Client, unknown> = {
    call: async (name: string, input?: { params?: unknown; query?: unknown; body?: unknown }, call?: CallOptions) => {
      const sent = await requestOf(name, input);
      return json(await exchange(sent, call, true), sent.route);
    },
    upload: async (name: string, input: { params?: unknown; query?: unknown }, upload: Upload, call?: CallOptions) => {
      const route = await loadRoute(name);
      const sent: Sent = {
        route,
        path: requestPath(route, input),
        body: upload.body instanceof Uint8Array ? upload.body : { stream: upload.body, length: upload.length },
        contentType: 'application/octet-stream',
        length: upload.length,
      };
      return json(await exchange(sent, call, true), route);
    },
    download: async (name: string, input?: { params?: unknown; query?: unknown }, call?: CallOptions) =>
      download(await requestOf(name, input), call, true),
    async *events(name: string, input?: { params?: unknown; query?: unknown }, call?: CallOptions) {
      const answer = await exchange({ ...(await requestOf(name, input)), stream: true }, call, true);
      try {
        yield* parseEvents(answer.body);
      } catch (error) {
        if (isProblem(error)) throw error;
        throw await wayProblem(error, target, options.signal, call?.signal, undefined, 0);
      }
    },
    fetchCapability: (url: string, call?: CallOptions & { readonly rest?: Continuation }) => {
      const { pathname, search } = new URL(url, 'http://govd');
      const route: Route = {
        method: 'GET',
        path: pathname,
        summary: '',
        action: 'open',
        listener: 'public',
        stream: 'bytes',
        problems: [],
      };
      const { rest } = call ?? {};
      const headers: Record<string, string> = rest === undefined ? {} : { range: `bytes=${rest.from}-`, 'if-range': rest.etag };
      return download({ route, path: `${pathname}${search}`, headers }, call, false);
    },
    close: async () => {
      const http = await connection?.catch(() => undefined);
      await http?.destroy();
    },
  };
  return client as Client;
}

async function connect(target: Target): Promise<Connection> {
  if ('socket' in target.endpoint) return connectSocket(target.endpoint.socket);
  const { ca_file, cert_file, key_file, server_name } = target.tls;
  const [ca, cert, key] = [ca_file, cert_file, key_file].map((path) => (path === null ? undefined : readPrivate(path)));
  const { connectUrl } = await import('./url-connection.ts');
  return connectUrl(target.endpoint.url, {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(server_name === null ? {} : { servername: server_name }),
  });
}

/** So many times eight hexadecimal digits. They tell traces apart and protect nothing; node:crypto would take longer to load than to ask. */
function traceHex(words: number): string {
  const word = () => Math.floor(Math.random() * 0x1_0000_0000);
  return Array.from({ length: words }, () => word().toString(16).padStart(8, '0')).join('');
}

function readPrivate(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem('usage', {
      detail: `${path}, which the context names, cannot be read: ${(error as Error).message}`,
      hint: 'govctl context show',
      cause: error,
    });
  }
}

function readApiKey(path: string | null): string | undefined {
  if (path === null) return undefined;
  const text = readPrivate(path).trim();
  if (/^[\x21-\x7e]{1,512}$/.test(text)) return text;
  throw new Problem('usage', { detail: `${path} does not hold an API key`, hint: 'govctl context show' });
}

async function bodyText(answer: HttpAnswer): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    size += chunk.length;
    if (size > answerLimit) throw new Problem('internal', { detail: `govd's answer is longer than ${answerLimit} bytes` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function notOurs(target: Target, why: string, cause?: unknown): Problem {
  const where = 'socket' in target.endpoint ? target.endpoint.socket : target.endpoint.url;
  return new Problem('unreachable', { detail: `what answers at ${where} is not govd: ${why}`, hint: 'govctl context show', cause });
}

/** Every answer of govd says which versions it speaks, so that no extra question is needed. */
function assertApiVersion(answer: HttpAnswer, target: Target): void {
  const header = answer.headers[apiWindowHeader];
  const theirs = typeof header === 'string' ? parseApiWindow(header) : undefined;
  if (theirs === undefined) {
    // Node answers some malformed requests before a handler could set headers; those are problems of ours anyway.
    if (answer.statusCode >= 400 && String(answer.headers['content-type']).startsWith('application/problem+json')) return;
    throw notOurs(target, 'it does not say which API version it speaks');
  }
  if (commonApiVersion(apiWindow, theirs) !== undefined) return;
  const older = theirs.max < apiWindow.min;
  throw new Problem('api-version', {
    detail: `govd speaks API ${formatApiWindow(theirs)}, this govctl ${formatApiWindow(apiWindow)}`,
    hint: older ? 'upgrade govd, or use an older govctl' : 'upgrade govctl',
  });
}

async function answeredProblem(answer: HttpAnswer, route: Route): Promise<Problem> {
  const text = await bodyText(answer).catch(() => '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const document = problemSchema.safeParse(value);
  const retryAfter = Number(answer.headers['retry-after']);
  if (document.success) {
    const { code, detail, hint, reasons, request_id } = document.data;
    const problem = new Problem(code, {
      detail,
      ...(hint === undefined ? {} : { hint }),
      ...(reasons === undefined ? {} : { reasons }),
      ...(Number.isFinite(retryAfter) ? { retryAfterSeconds: retryAfter } : {}),
    });
    return Object.assign(problem, { requestId: request_id });
  }
  // A newer daemon may know problems this client does not: the status still says what kind of thing it is.
  const loose = value as { code?: unknown; detail?: unknown; hint?: unknown } | undefined;
  const detail =
    typeof loose?.detail === 'string' ? loose.detail : `${route.method} ${route.path} was answered with HTTP ${answer.statusCode}`;
  return new Problem(codeOfStatus(answer.statusCode), { detail, ...(typeof loose?.hint === 'string' ? { hint: loose.hint } : {}) });
}

function codeOfStatus(status: number): ProblemCode {
  const known = (Object.keys(problemTable) as ProblemCode[]).find((code) => problemTable[code].status === status);
  return known ?? (status >= 500 ? 'internal' : 'invalid-request');
}

async function wayProblem(
  error: unknown,
  target: Target,
  command: AbortSignal,
  call: AbortSignal | undefined,
  timer: AbortSignal | undefined,
  timeoutMs: number,
): Promise<Problem> {
  if (isProblem(error)) return error;
  if (command.aborted || call?.aborted === true) return new Problem('cancelled', { detail: 'interrupted', cause: error });
  const code = (error as { code?: string }).code ?? '';
  if (timer?.aborted === true) {
    return new Problem('timeout', {
      detail: `govd did not answer within ${timeoutMs / 1000} s`,
      hint: 'govctl doctor; or wait longer with --timeout',
      cause: error,
    });
  }
  if (['ECONNRESET', 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE', 'UND_ERR_SOCKET'].includes(code)) {
    // TLS 1.3 lets a client believe that it is connected before its certificate, or the lack of one, is looked at.
    const unknown = 'url' in target.endpoint && target.endpoint.url.startsWith('https:') && target.tls.cert_file === null;
    return new Problem('unreachable', {
      detail: `govd closed the connection in the middle of it: it stopped, ${unknown ? 'it asks for a client certificate, ' : ''}or the request was refused unread`,
      hint: unknown
        ? 'cert_file and key_file of the context, where it asks for a certificate: govctl context show; else govctl doctor'
        : 'govctl doctor',
      cause: error,
    });
  }
  return connectProblem(error, target);
}

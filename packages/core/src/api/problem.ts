import type { ExitName } from './exit-code.ts';
import type { ProblemDocument } from './problem-document.ts';

type ProblemKind = { readonly status: number; readonly exit: ExitName; readonly title: string };

/**
 * Every problem govd and govctl can name: code -> HTTP status -> exit code, in one table. `status: 0` never crosses the wire:
 * it is found by the client itself. A verdict (deny, defer) is a value, not a problem.
 */
export const problemTable = {
  'invalid-request': { status: 400, exit: 'usage', title: 'The request is malformed' },
  'api-version': { status: 400, exit: 'incompatible', title: 'No common API version' },
  unauthenticated: { status: 401, exit: 'auth', title: 'Not authenticated' },
  forbidden: { status: 403, exit: 'auth', title: 'Not permitted' },
  'not-found': { status: 404, exit: 'not-found', title: 'Not found' },
  'method-not-allowed': { status: 405, exit: 'usage', title: 'Method not allowed' },
  'request-timeout': { status: 408, exit: 'unreachable', title: 'The request took too long to arrive' },
  conflict: { status: 409, exit: 'conflict', title: 'Something else moved first' },
  gone: { status: 410, exit: 'not-found', title: 'No longer there' },
  stale: { status: 412, exit: 'conflict', title: 'The expected version is not the current one' },
  'payload-too-large': { status: 413, exit: 'usage', title: 'The body is too large' },
  'unsupported-media-type': { status: 415, exit: 'usage', title: 'The content type is not supported' },
  'range-not-satisfiable': { status: 416, exit: 'usage', title: 'This range cannot be served' },
  'run-id-reused': { status: 422, exit: 'conflict', title: 'This run_id was used with another request' },
  'digest-mismatch': { status: 422, exit: 'integrity', title: 'The content does not have the digest it claims' },
  unprocessable: { status: 422, exit: 'usage', title: 'Understood, but cannot be done as asked' },
  locked: { status: 423, exit: 'conflict', title: 'Paused, or held by someone else' },
  'too-many-requests': { status: 429, exit: 'defer', title: 'Too many requests' },
  'headers-too-large': { status: 431, exit: 'usage', title: 'The headers are too large' },
  internal: { status: 500, exit: 'internal', title: 'A bug in govd' },
  'evidence-unavailable': { status: 503, exit: 'internal', title: 'Evidence cannot be written, so nothing was done' },
  'storage-unavailable': { status: 503, exit: 'internal', title: 'Objects cannot be stored or read now' },
  unavailable: { status: 503, exit: 'unreachable', title: 'govd cannot serve this now' },
  bug: { status: 0, exit: 'internal', title: 'A bug in govctl' },
  usage: { status: 0, exit: 'usage', title: 'Wrong usage' },
  'prompt-needed': { status: 0, exit: 'usage', title: 'A prompt would be needed' },
  'not-started': { status: 0, exit: 'unreachable', title: 'govd is not running' },
  'not-permitted': { status: 0, exit: 'auth', title: 'The socket may not be opened' },
  'stale-socket': { status: 0, exit: 'unreachable', title: 'The socket is there, but nobody answers' },
  unreachable: { status: 0, exit: 'unreachable', title: 'govd cannot be reached' },
  integrity: { status: 0, exit: 'integrity', title: 'Does not verify' },
  'untrusted-keys': { status: 0, exit: 'integrity', title: 'No trusted keys to verify with' },
  failed: { status: 0, exit: 'failed', title: 'The run failed' },
  timeout: { status: 0, exit: 'timeout', title: 'Still open when the time ran out' },
  cancelled: { status: 0, exit: 'cancelled', title: 'Cancelled' },
  io: { status: 0, exit: 'internal', title: 'A file could not be read or written' },
} as const satisfies Record<string, ProblemKind>;

export type ProblemCode = keyof typeof problemTable;

export type ProblemReason = { path?: string; message: string };

export type ProblemInput = {
  /** What happened, and why, in a sentence for the person who reads it. */
  detail: string;
  /** How to mend it: the last line a person sees, with a command that works where there is one. */
  hint?: string;
  reasons?: ProblemReason[];
  retryAfterSeconds?: number;
  cause?: unknown;
};

/**
 * The one exception of the product: something went wrong that has a code, a cause and a mend.
 * Compare `code`, not the class: two copies of this module may be loaded.
 *
 * @example throw new Problem('not-found', { detail: 'no snapshot S', hint: 'govctl snapshot ls' })
 */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: ProblemCode;
  readonly hint: string | undefined;
  readonly reasons: ProblemReason[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, input: ProblemInput) {
    super(input.detail, { cause: input.cause });
    this.code = code;
    this.hint = input.hint;
    this.reasons = input.reasons;
    this.retryAfterSeconds = input.retryAfterSeconds;
  }

  get status(): number {
    return problemTable[this.code].status;
  }

  toDocument(requestId?: string): ProblemDocument {
    const { status, title } = problemTable[this.code];
    return {
      type: `urn:govctl:problem:${this.code}`,
      title,
      status,
      code: this.code,
      detail: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.reasons === undefined ? {} : { reasons: this.reasons }),
      ...(requestId === undefined ? {} : { request_id: requestId }),
    };
  }
}

export function isProblem(error: unknown): error is Problem {
  return error instanceof Error && error.name === 'Problem' && 'code' in error && (error as Problem).code in problemTable;
}

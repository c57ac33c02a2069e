import { readFileSync, statSync } from 'node:fs';
import type { Unit } from '@govctl/core/journal';
import { otlpTraces, parseHeaderFile, rejectedSpans, type Span, type SpanSource, spansOf } from '@govctl/core/trace';
import { type Backoff, backoffMs } from '@govctl/core/webhook';
import type { Logger } from 'pino';
import { startLoop } from '../loop/loop.ts';
import { loopWatch } from '../loop/loop-watch.ts';
import type { Poster } from '../webhook/post.ts';

/** What became of a span; bounded, for a metric. */
export type SpanOutcome = 'exported' | 'rejected' | 'refused' | 'dropped';

export type ExporterOptions = {
  /** Base URL; `/v1/traces` is added. */
  readonly endpoint: string;
  /** Absolute; its mode is looked at unless systemd guards it. */
  readonly headers_file: string | undefined;
  readonly guardedBy: 'mode' | 'systemd';
  readonly source: SpanSource;
  readonly poster: Poster;
  readonly now: () => string;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly counted: (outcome: SpanOutcome, spans: number) => void;
  readonly logger: Logger;
};

export type TraceExporter = {
  /** Takes the spans that are over with a unit which is committed. Never waits, and never throws. */
  offer(unit: Unit): void;
  /** Spans that wait. */
  readonly waiting: number;
  /** Tries once more for what waits, for a moment. */
  stop(): Promise<void>;
};

/** Spans that are kept for a collector that is away. Beyond, they are dropped, and counted. */
export const spanLimit = 2048;
const batchSpans = 512;
const idleMs = 1000;
/** How long the last attempt may take when the daemon stops. */
const farewellMs = 2000;
const backoff: Backoff = { base_ms: 1_000, factor: 2, cap_ms: 60_000 };
const longestRetryAfterS = 300;
/** Answers after which the same batch may be sent again (OTLP/HTTP, Failures); any other refusal is for good. */
const retryable: ReadonlySet<number> = new Set([429, 502, 503, 504]);

type Sent =
  | { readonly state: 'taken'; readonly rejected: number }
  | { readonly state: 'refused'; readonly why: string }
  | { readonly state: 'away'; readonly why: string; readonly after_s: number };

/**
 * Shows the traces of runs to a collector, besides the database that has them. It is told of what is committed and stands in nobody's way: a queue
 * with an end, a loop of its own, and what cannot be kept is counted.
 */
export function startTraceExporter(options: ExporterOptions): TraceExporter {
  const { logger, counted, monotonicMs } = options;
  const url = new URL(`${new URL(options.endpoint).pathname.replace(/\/+$/, '')}/v1/traces`, options.endpoint).href;
  let queue: Span[] = [];
  let failures = 0;
  let notBefore = Number.NEGATIVE_INFINITY;

  const send = async (batch: readonly Span[], signal: AbortSignal): Promise<Sent> => {
    try {
      const headers = { ...readHeaders(options), 'content-type': 'application/json' };
      const answer = await options.poster.post(url, headers, JSON.stringify(otlpTraces(batch, options.source)), signal);
      const { status, retry_after_s, body = '' } = answer;
      if (status >= 200 && status < 300) return { state: 'taken', rejected: Math.min(batch.length, rejectedSpans(body)) };
      const redirect = status >= 300 && status < 400 ? '; redirects are not followed' : '';
      const why = `it answered ${status}${redirect}`;
      return retryable.has(status) ? { state: 'away', why, after_s: retry_after_s ?? 0 } : { state: 'refused', why };
    } catch (error) {
      return { state: 'away', why: error instanceof Error ? error.message : 'it failed', after_s: 0 };
    }
  };

  const round = async (signal: AbortSignal): Promise<number> => {
    const batch = queue.slice(0, batchSpans);
    const early = notBefore - monotonicMs();
    if (batch.length === 0 || early > 0) return Math.min(idleMs, Math.max(early, 0) || idleMs);
    const sent = await send(batch, signal);
    if (sent.state === 'away') {
      if (signal.aborted) return 0;
      failures += 1;
      if (failures === 1) logger.warn({ why: sent.why }, 'traces cannot be exported; they wait, and what there is no room for is dropped');
      notBefore =
        monotonicMs() + Math.max(Math.min(sent.after_s, longestRetryAfterS) * 1000, backoffMs(backoff, failures, options.random()));
      return 0;
    }
    queue = queue.slice(batch.length);
    if (sent.state === 'refused') {
      counted('refused', batch.length);
      logger.warn({ why: sent.why, spans: batch.length }, 'the collector refused spans');
    } else {
      counted('exported', batch.length - sent.rejected);
      if (sent.rejected > 0) counted('rejected', sent.rejected);
      if (failures > 0) logger.info('traces are exported again');
    }
    failures = 0;
    return queue.length > 0 ? 0 : idleMs;
  };

  // How long a round takes is the collector's doing, so nobody watches it.
  const loop = startLoop({ name: 'trace-export', now: options.now, logger, watch: loopWatch(), round });

  return {
    offer(unit) {
      try {
        const spans = spansOf(unit);
        if (spans.length === 0) return;
        const taken = spans.slice(0, Math.max(0, spanLimit - queue.length));
        queue.push(...taken);
        if (taken.length < spans.length) counted('dropped', spans.length - taken.length);
      } catch (error) {
        counted('dropped', 1);
        logger.error({ err: error, unit: unit.label }, 'no span could be made of a unit');
      }
    },
    get waiting() {
      return queue.length;
    },
    async stop() {
      await loop.stop();
      const farewell = AbortSignal.timeout(farewellMs);
      while (queue.length > 0 && failures === 0 && !farewell.aborted) await round(farewell);
      counted('dropped', queue.length);
      queue = [];
    },
  };
}

function readHeaders({ headers_file, guardedBy }: ExporterOptions): Readonly<Record<string, string>> {
  if (headers_file === undefined) return {};
  let text: string;
  try {
    if (guardedBy === 'mode' && (statSync(headers_file).mode & 0o077) !== 0) throw new Error('others can read it: chmod 600');
    text = readFileSync(headers_file, 'utf8');
  } catch (cause) {
    throw new Error(`headers_file: ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`);
  }
  try {
    return parseHeaderFile(text);
  } catch (error) {
    throw new Error(`headers_file: ${(error as Error).message}`);
  }
}

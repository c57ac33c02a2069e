import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Unit } from '@govctl/core/journal';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, expect, it } from 'vitest';
import { z } from 'zod';
import { poster } from '../webhook/post.ts';
import { type ExporterOptions, type SpanOutcome, spanLimit, startTraceExporter, type TraceExporter } from './exporter.ts';
import { openTraceExport } from './open.ts';

const closing: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const hex = (digits: number) => z.string().regex(new RegExp(`^(?!0+$)[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{19}$/);
const attributes = z.array(
  z.strictObject({
    key: z.string().min(1),
    value: z.union([z.strictObject({ stringValue: z.string() }), z.strictObject({ intValue: z.string().regex(/^-?\d+$/) })]),
  }),
);
/** ExportTraceServiceRequest of opentelemetry-proto 1.x, as far as we use it; what it does not know is refused. */
const requestSchema = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(
            z.strictObject({
              traceId: hex(32),
              spanId: hex(16),
              parentSpanId: hex(16).optional(),
              name: z.string().min(1),
              kind: z.int().min(1).max(5),
              startTimeUnixNano: nanoseconds,
              endTimeUnixNano: nanoseconds,
              attributes,
              status: z.strictObject({ code: z.int().min(0).max(2).optional(), message: z.string().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

type Got = { readonly path: string; readonly headers: Readonly<Record<string, unknown>>; readonly spans: string[] };

/** A collector that takes what has the published shape and nothing else, and answers as it is told. */
async function collector() {
  const got: Got[] = [];
  const wrong: unknown[] = [];
  let answer: (response: ServerResponse) => void = (response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8');
    request.on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      const parsed = requestSchema.safeParse(JSON.parse(body));
      if (!parsed.success) wrong.push(parsed.error);
      const spans = parsed.data?.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)) ?? [];
      got.push({ path: request.url ?? '', headers: request.headers, spans: spans.map(({ name }) => name) });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    got,
    wrong,
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answerWith(with_: typeof answer) {
      answer = with_;
    },
  };
}

let steps = 0;
/** A unit with as many spans. */
function unit(spans: number): Unit {
  const changes = Array.from({ length: spans }, () => {
    steps += 1;
    const body = JSON.stringify({
      trace_id: 'a'.repeat(32),
      step: `s${steps}`,
      attempt: 1,
      status: 'success',
      elapsed_ms: 5,
      exit_code: 0,
    });
    return { write: 'trace.append' as const, values: { run_id: 'r1', kind: 'step' as const, at: '2026-11-26T12:00:00.000Z', body } };
  });
  return { label: 'test', changes, records: [], events: [] };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'govctl-otlp-'));
  closing.push(() => rmSync(made, { recursive: true }));
  return made;
}

function exporting(endpoint: string, more: Partial<ExporterOptions> = {}) {
  const counts: Record<SpanOutcome, number> = { exported: 0, rejected: 0, refused: 0, dropped: 0 };
  const log: string[] = [];
  const net = poster({ allowHosts: [new URL(endpoint).hostname], allowLoopback: true, keepAnswers: true, timeoutMs: 500 });
  closing.push(() => net.close());
  let elapsed = 0;
  const exporter: TraceExporter = startTraceExporter({
    endpoint,
    headers_file: undefined,
    guardedBy: 'mode',
    source: { version: '1', instance: 'i', environment: 'test' },
    poster: net,
    now: () => new Date().toISOString(),
    random: () => 0.5,
    // Each look at the clock is a minute later: no back-off is waited for.
    monotonicMs: () => {
      elapsed += 60_000;
      return elapsed;
    },
    counted: (outcome, spans) => {
      counts[outcome] += spans;
    },
    logger: pino({ level: 'info' }, { write: (line) => void log.push(line) }),
    ...more,
  });
  closing.push(() => exporter.stop());
  return { exporter, counts, log };
}

async function until(holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 400 && !holds(); attempt += 1) await sleep(25);
  expect(holds()).toBe(true);
}

it('posts spans in the published shape, with the headers of the file, and says what the collector threw away', async () => {
  const there = await collector();
  const headers_file = join(folder(), 'headers');
  writeFileSync(headers_file, 'Authorization: Bearer s3cret\n', { mode: 0o600 });
  there.answerWith((response) => response.writeHead(200).end('{"partialSuccess":{"rejectedSpans":"1"}}'));
  const { exporter, counts } = exporting(`${there.endpoint}/otlp/`, { headers_file });
  exporter.offer(unit(3));
  await until(() => there.got.length === 1);
  await until(() => exporter.waiting === 0);
  expect(there.wrong).toEqual([]);
  expect(there.got[0]).toMatchObject({
    path: '/otlp/v1/traces',
    headers: { 'content-type': 'application/json', authorization: 'Bearer s3cret' },
    spans: [expect.stringContaining('step s'), expect.any(String), expect.any(String)],
  });
  expect(counts).toEqual({ exported: 2, rejected: 1, refused: 0, dropped: 0 });
});

it('keeps spans while the collector is away, as many as there is room for, and counts the others; up again, it gets them once', async () => {
  const there = await collector();
  there.answerWith((response) => response.writeHead(503, { 'retry-after': '1' }).end());
  const { exporter, counts, log } = exporting(there.endpoint);
  exporter.offer(unit(spanLimit - 10));
  exporter.offer(unit(30));
  expect([exporter.waiting, counts.dropped]).toEqual([spanLimit, 20]);
  await until(() => there.got.length >= 3);
  expect([exporter.waiting, counts.exported]).toEqual([spanLimit, 0]);
  there.answerWith((response) => response.writeHead(200).end());
  there.got.length = 0;
  await until(() => exporter.waiting === 0);
  expect(counts).toEqual({ exported: spanLimit, rejected: 0, refused: 0, dropped: 20 });
  expect(there.got.every(({ spans }) => spans.length <= 512)).toBe(true);
  // Said once, and once that it is over.
  expect(log.filter((line) => line.includes('cannot be exported'))).toHaveLength(1);
  expect(log.filter((line) => line.includes('exported again'))).toHaveLength(1);
});

it('gives up what is refused for good, and follows no redirect', async () => {
  const [there, elsewhere] = [await collector(), await collector()];
  there.answerWith((response) => response.writeHead(307, { location: `${elsewhere.endpoint}/v1/traces` }).end());
  const { exporter, counts, log } = exporting(there.endpoint);
  exporter.offer(unit(2));
  await until(() => exporter.waiting === 0);
  expect([counts.refused, there.got.length, elsewhere.got.length]).toEqual([2, 1, 0]);
  expect(log.join()).toContain('redirects are not followed');
});

it('never throws at who commits, never shows a secret, and ends although nobody answers', async () => {
  const there = await collector();
  const held: ServerResponse[] = [];
  there.answerWith((response) => held.push(response));
  const headers_file = join(folder(), 'headers');
  writeFileSync(headers_file, 'authorization: Bearer s3cret\nno header s3cret\n', { mode: 0o600 });
  const { exporter, counts, log } = exporting(there.endpoint, { headers_file });
  exporter.offer({ ...unit(0), changes: [{ write: 'trace.append', values: { run_id: 'r', kind: 'step', at: 'x', body: '{' } }] });
  expect(counts.dropped).toBe(1);
  exporter.offer(unit(1));
  await until(() => log.some((line) => line.includes('headers_file: line 2 is not NAME: VALUE')));
  chmodSync(headers_file, 0o644);
  writeFileSync(headers_file, 'authorization: Bearer s3cret\n');
  expect(there.got).toEqual([]);
  chmodSync(headers_file, 0o600);
  await until(() => held.length > 0);
  await exporter.stop();
  expect([exporter.waiting, counts.dropped]).toEqual([0, 2]);
  expect(log.join()).not.toContain('s3cret');
});

it('is beside the journal: what is not committed is not shown, and what is does not wait', async () => {
  const there = await collector();
  const registry = new Registry();
  const config = {
    observability: { otlp: { endpoint: there.endpoint, allow_private: false } },
    environment: 'local_parity' as const,
    secrets: { provider: 'files' as const },
  };
  const parts = {
    root: '/',
    version: '1',
    instance: 'i',
    now: () => new Date().toISOString(),
    random: () => 0.5,
    monotonicMs: () => performance.now(),
  };
  const committed = { ok: true as const, committed: { records: [], committed_at: '' }, proof: { checkpoint: null, prove: () => [] } };
  let lost = true;
  const inner = { commit: async () => (lost ? { ok: false as const, guard: 'g' } : committed) };
  const opened = openTraceExport(inner, { ...parts, config, logger: pino({ level: 'silent' }), registry });
  closing.push(() => opened.stop());
  expect(await opened.journal.commit(unit(1))).toMatchObject({ ok: false });
  lost = false;
  expect(await opened.journal.commit(unit(1))).toBe(committed);
  await until(() => there.got.length === 1);
  expect(there.got[0]?.spans).toEqual([`step s${steps}`]);
  await opened.stop();
  expect(await registry.metrics()).toContain('govd_trace_spans_total{outcome="exported"} 1');
  // Off by default, and then nothing stands between.
  const off = openTraceExport(inner, {
    ...parts,
    config: { ...config, observability: {} },
    logger: pino({ level: 'silent' }),
    registry: new Registry(),
  });
  expect(off.journal).toBe(inner);
});

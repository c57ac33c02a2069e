import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer';
import { describe, expect, it } from 'vitest';
import type { Unit } from '../journal/unit.ts';
import { parseHeaderFile } from './header-file.ts';
import { otlpTraces, rejectedSpans } from './otlp.ts';
import { type Span, spansOf } from './span.ts';

const trace_id = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';
const at = (seconds: number) => new Date(Date.parse('2026-11-26T12:00:00.123Z') + seconds * 1000).toISOString();

const phases = [
  { phase: 'CREATED', status: 'queued', event: 'request', at: at(0) },
  { phase: 'EXECUTING', status: 'running', event: 'start', at: at(1) },
  { phase: 'GOVERNANCE_CHECK', status: 'running', event: 'execution_done', at: at(4) },
];

/** The unit that ends a run, as far as its spans go. */
function ending(status: string, phase: string, more: { traceparent?: string; reason?: string } = {}): Unit {
  const { traceparent, reason } = more;
  const state = JSON.stringify({ trace_id, reason, phases: [...phases, { phase, status, event: 'commit', at: at(5) }] });
  const values = { run_id: 'r1', status, state, decision: 'allow', decision_ref: 'sha256:d' };
  const scope = { tenant_id: 'default', dataset_id: 'orders', layer: 'GDP', run_id: 'r1', environment: 'test' };
  return {
    label: 'test',
    changes: [{ write: 'run.advance', values }] as unknown as Unit['changes'],
    records: [],
    events: [
      {
        type: 'trace.completed',
        subject: 'run/r1',
        time: at(5),
        ...scope,
        ...(traceparent === undefined ? {} : { traceparent }),
        data: { trace_id, kind: 'promotion', observability_status: null },
      },
    ],
  };
}

function stepUnit(status: string, reason: string | null = null): Unit {
  const body = JSON.stringify({
    trace_id,
    step: 'detect',
    attempt: 2,
    status,
    elapsed_ms: 1500,
    exit_code: status === 'failed' ? 3 : 0,
    reason,
  });
  return {
    label: 'test',
    changes: [{ write: 'trace.append', values: { run_id: 'r1', kind: 'step', at: at(4), body } }],
    records: [],
    events: [],
  };
}

describe('spans', () => {
  it('are of a run that ended: the whole and its phases, under whoever asked for it', () => {
    const spans = spansOf(ending('succeeded', 'COMPLETED', { traceparent: `00-${trace_id}-${parent}-01` }));
    expect(spans.map(({ name, start, end, error }) => [name, start, end, error])).toEqual([
      ['CREATED', at(0), at(1), null],
      ['EXECUTING', at(1), at(4), null],
      ['GOVERNANCE_CHECK', at(4), at(5), null],
      ['promotion orders', at(0), at(5), null],
    ]);
    const root = spans.at(-1);
    expect(root).toMatchObject({ trace_id, parent_span_id: parent, attributes: { 'govctl.status': 'succeeded', 'govctl.layer': 'GDP' } });
    expect(spans.slice(0, -1).map(({ parent_span_id }) => parent_span_id)).toEqual([root?.span_id, root?.span_id, root?.span_id]);
    expect(new Set(spans.map(({ span_id }) => span_id)).size).toBe(4);
    for (const { span_id } of spans) expect(span_id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('are the same whoever makes them; a step is under the run it belongs to', () => {
    const [step] = spansOf(stepUnit('success'));
    const again = spansOf(ending('succeeded', 'COMPLETED'));
    expect(step).toMatchObject({ name: 'step detect', start: at(2.5), end: at(4), parent_span_id: again.at(-1)?.span_id, error: null });
    expect(again).toEqual(spansOf(ending('succeeded', 'COMPLETED')));
  });

  it('say what failed, and a verdict is no failure', () => {
    expect(spansOf(stepUnit('failed', 'exit code 3'))[0]).toMatchObject({ error: 'exit code 3', attributes: { 'govctl.exit_code': 3 } });
    expect(spansOf(ending('failed', 'FAILED', { reason: 'step detect failed' })).at(-1)?.error).toBe('step detect failed');
    expect(spansOf(ending('failed_policy', 'FAILED')).at(-1)?.error).toBeNull();
  });

  it('are none where the trace was lost, or where the run goes on; the trace of somebody else names no parent', () => {
    expect(spansOf({ ...ending('succeeded', 'COMPLETED'), events: [] })).toEqual([]);
    expect(
      spansOf(ending('succeeded', 'COMPLETED', { traceparent: `00-${'a'.repeat(32)}-${parent}-01` })).at(-1)?.parent_span_id,
    ).toBeNull();
  });
});

const resource = {
  attributes: { 'service.name': 'govd', 'service.version': '1', 'service.instance.id': 'i', 'deployment.environment.name': 'test' },
};
const instrumentationScope = { name: 'govctl', version: '1' };

/** A span as the library of OpenTelemetry has it. */
function readable({ trace_id: traceId, span_id: spanId, parent_span_id, name, start, end, error, attributes }: Span) {
  const time = (text: string): [number, number] => [Math.floor(Date.parse(text) / 1000), (Date.parse(text) % 1000) * 1_000_000];
  const known = Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
  return {
    name,
    kind: 0,
    spanContext: () => ({ traceId, spanId, traceFlags: 1 }),
    ...(parent_span_id === null ? {} : { parentSpanContext: { traceId, spanId: parent_span_id, traceFlags: 1 } }),
    startTime: time(start),
    endTime: time(end),
    status: error === null ? { code: 0 } : { code: 2, message: error },
    attributes: known,
    links: [],
    events: [],
    duration: [0, 0],
    ended: true,
    resource,
    instrumentationScope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** 64-bit numbers are text or numbers, as a sender likes: here they are text. */
function numbersAsText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numbersAsText);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, name === 'intValue' ? String(inner) : numbersAsText(inner)]),
  );
}

describe('the export', () => {
  it('says what the library of OpenTelemetry says of the same spans', () => {
    const spans = [
      ...spansOf(stepUnit('failed', 'exit code 3')),
      ...spansOf(ending('failed', 'FAILED', { traceparent: `00-${trace_id}-${parent}-01` })),
    ];
    const serialized = JsonTraceSerializer.serializeRequest(
      spans.map(readable) as unknown as Parameters<typeof JsonTraceSerializer.serializeRequest>[0],
    );
    const theirs = numbersAsText(JSON.parse(new TextDecoder().decode(serialized)));
    const ours = JSON.parse(JSON.stringify(otlpTraces(spans, { version: '1', instance: 'i', environment: 'test' })));
    expect(theirs).toMatchObject(ours);
    expect(ours.resourceSpans[0].scopeSpans[0].spans).toHaveLength(5);
  });

  it('reads how much of it was thrown away, and nothing from what is no answer', () => {
    expect(rejectedSpans('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"too old"}}')).toBe(3);
    for (const text of ['', '{}', '[]', 'null', '{"partialSuccess":{"rejectedSpans":"-1"}}', '{"partialSuccess":{"rejectedSpans":"x"}}'])
      expect(rejectedSpans(text)).toBe(0);
  });
});

describe('headers for a collector', () => {
  it('are lines', () => {
    expect(parseHeaderFile('# token\nAuthorization: Bearer s3cret\n\nx-scope: a:b \r\n')).toEqual({
      authorization: 'Bearer s3cret',
      'x-scope': 'a:b',
    });
    expect(parseHeaderFile('')).toEqual({});
  });

  it.each([
    ['s3cret', 'is not NAME: VALUE'],
    ['a b: s3cret', 'is not NAME: VALUE'],
    ['x: ', 'no value'],
    ['x: s3cret\u0007', 'no value'],
    ['host: s3cret', 'not to be set'],
    ['Content-Length: s3cret', 'not to be set'],
    ['x: s3cret\nX: s3cret', 'line 2 names a header that is there already'],
  ])('%j is refused, and not repeated', (text, why) => {
    const refuse = () => parseHeaderFile(text);
    expect(refuse).toThrow(why);
    expect(refuse).not.toThrow('s3cret');
  });
});

import type { Span } from './span.ts';

/** Who exports. */
export type SpanSource = {
  readonly version: string;
  readonly instance: string;
  readonly environment: string;
};

type KeyValue = { readonly key: string; readonly value: { readonly stringValue: string } | { readonly intValue: string } };

/** `SPAN_KIND_INTERNAL`: a run is work of ours, whoever asked for it. */
const internal = 1;
/** `STATUS_CODE_ERROR`; nothing is said of spans that did not fail (`STATUS_CODE_UNSET`). */
const failed = 2;

/**
 * ExportTraceServiceRequest in the JSON of OTLP 1 (opentelemetry-proto, JSON Protobuf Encoding): ids in hex, 64-bit numbers as text, enums as numbers,
 * names in lowerCamelCase.
 */
export function otlpTraces(spans: readonly Span[], { version, instance, environment }: SpanSource) {
  const resource = {
    'service.name': 'govd',
    'service.version': version,
    'service.instance.id': instance,
    'deployment.environment.name': environment,
  };
  return {
    resourceSpans: [
      {
        resource: { attributes: attributesOf(resource) },
        scopeSpans: [{ scope: { name: 'govctl', version }, spans: spans.map(otlpSpan) }],
      },
    ],
  };
}

function otlpSpan({ trace_id, span_id, parent_span_id, name, start, end, error, attributes }: Span) {
  return {
    traceId: trace_id,
    spanId: span_id,
    ...(parent_span_id === null ? {} : { parentSpanId: parent_span_id }),
    name,
    kind: internal,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: attributesOf(attributes),
    status: error === null ? {} : { code: failed, message: error.slice(0, 512) },
  };
}

function attributesOf(attributes: Span['attributes']): KeyValue[] {
  return Object.entries(attributes).flatMap(([key, value]) => {
    if (value === null) return [];
    return [{ key, value: typeof value === 'number' ? { intValue: String(value) } : { stringValue: value } }];
  });
}

function nanoseconds(time: string): string {
  return `${BigInt(Date.parse(time)) * 1_000_000n}`;
}

/**
 * Of an answer to an export: how many spans the collector took and threw away. What is no such answer says nothing.
 */
export function rejectedSpans(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as { partialSuccess?: { rejectedSpans?: string | number } };
    const rejected = Number(partialSuccess?.rejectedSpans ?? 0);
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0;
  } catch {
    return 0;
  }
}

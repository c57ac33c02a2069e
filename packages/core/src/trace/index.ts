export { parseHeaderFile } from './header-file.ts';
export { otlpTraces, rejectedSpans, type SpanSource } from './otlp.ts';
export { type Span, spansOf } from './span.ts';

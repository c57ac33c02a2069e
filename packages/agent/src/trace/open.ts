import { resolve } from 'node:path';
import type { GovdConfig } from '@govctl/core/config';
import type { Logger } from 'pino';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { Journal } from '../journal/index.ts';
import { poster } from '../webhook/post.ts';
import { startTraceExporter } from './exporter.ts';

type TraceExportSettings = {
  readonly config: Pick<GovdConfig, 'observability' | 'environment' | 'secrets'>;
  /** Paths of the configuration are relative to it. */
  readonly root: string;
  readonly version: string;
  readonly instance: string;
  readonly now: () => string;
  readonly random: () => number;
  readonly monotonicMs: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
};

const timeoutMs = 10_000;

/** The journal, and beside it the export of traces where one is configured: what is committed is offered to it, afterwards. */
export function openTraceExport(journal: Journal, settings: TraceExportSettings): { readonly journal: Journal; stop(): Promise<void> } {
  const { otlp } = settings.config.observability;
  if (otlp === undefined) return { journal, stop: async () => {} };
  const registers = [settings.registry];
  const spans = new Counter({
    name: 'govd_trace_spans_total',
    help: 'Spans for the collector by what became of them',
    labelNames: ['outcome'],
    registers,
  });
  for (const outcome of ['exported', 'rejected', 'refused', 'dropped']) spans.inc({ outcome }, 0);
  // Whoever wrote the endpoint into the configuration means it: this machine is no surprise there, as it is in a webhook.
  const net = poster({
    allowHosts: [new URL(otlp.endpoint).hostname],
    allowLoopback: true,
    allowPrivate: otlp.allow_private,
    keepAnswers: true,
    timeoutMs,
  });
  const exporter = startTraceExporter({
    ...settings,
    endpoint: otlp.endpoint,
    headers_file: otlp.headers_file === undefined ? undefined : resolve(settings.root, otlp.headers_file),
    guardedBy: settings.config.secrets.provider === 'files' ? 'mode' : 'systemd',
    source: { version: settings.version, instance: settings.instance, environment: settings.config.environment },
    poster: net,
    counted: (outcome, count) => spans.inc({ outcome }, count),
  });
  new Gauge({
    name: 'govd_trace_spans_waiting',
    help: 'Spans that wait for the collector',
    registers,
    collect() {
      this.set(exporter.waiting);
    },
  });
  return {
    journal: {
      async commit(unit) {
        const result = await journal.commit(unit);
        if (result.ok) exporter.offer(unit);
        return result;
      },
    },
    async stop() {
      await exporter.stop();
      net.close();
    },
  };
}

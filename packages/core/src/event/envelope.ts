import type { EventDraft } from './event.ts';

/** Where an event stands: what its outbox row and its place in it make of it. */
export type EventPlace = {
  /** Id of the outbox row, and which event of it. */
  readonly outbox_id: number;
  readonly index: number;
  /** Contiguous from 1 in commit order; what readers resume by. */
  readonly position: number;
};

/** A draft with its place. */
export type PlacedEvent = EventPlace & { readonly draft: EventDraft };

/**
 * CloudEvents 1.0 in JSON. Extension attributes are lower-case letters and digits only (CloudEvents 1.0, 3.1), so the names of the
 * source documents (tenant_id, dataset_id, layer, run_id) stand in `data`, where they may be null; as attributes they are there for
 * brokers to filter by, when they are known. `position` is a string because a CloudEvents integer ends at 2^31 - 1.
 */
export type CloudEvent = {
  readonly specversion: '1.0';
  /** For de-duplication, together with `source`; says nothing about order. */
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: 'application/json';
  readonly position: string;
  readonly tenantid: string;
  readonly datasetid?: string;
  readonly layer?: string;
  readonly runid?: string;
  readonly environment: string;
  readonly traceparent?: string;
  readonly data: Readonly<Record<string, unknown>>;
};

/**
 * The envelope of an event. Pure: the same row gives the same bytes whenever and by whomever it is read.
 * @param source URI reference of the deployment; with `id` it is unique for ever.
 */
export function cloudEventOf({ draft, outbox_id, index, position }: PlacedEvent, source: string): CloudEvent {
  const { tenant_id, dataset_id, layer, run_id } = draft;
  return {
    specversion: '1.0',
    id: `${outbox_id}.${index}`,
    source,
    type: draft.type,
    subject: draft.subject,
    time: draft.time,
    datacontenttype: 'application/json',
    position: String(position),
    tenantid: tenant_id,
    ...(dataset_id === null ? {} : { datasetid: dataset_id }),
    ...(layer === null ? {} : { layer }),
    ...(run_id === null ? {} : { runid: run_id }),
    environment: draft.environment,
    ...(draft.traceparent === undefined ? {} : { traceparent: draft.traceparent }),
    // Last, so that no producer's data can speak for another tenant.
    data: { ...draft.data, tenant_id, dataset_id, layer, run_id },
  };
}

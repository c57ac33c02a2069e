export { eventCatalogue } from './catalogue.ts';
export { type CloudEvent, cloudEventOf, type EventPlace, type PlacedEvent } from './envelope.ts';
export { type EventDraft, type EventType, eventTypes } from './event.ts';
export { typesMatching } from './filter.ts';
export { packEvents, unpackEvents } from './pack.ts';
export { formatSse, sseHeartbeat } from './sse.ts';
export type { EventWrites } from './write.ts';

export { eventCatalogue } from './catalogue.ts';
export { type CloudEvent, cloudEventOf, type EventPlace, type PlacedEvent } from './envelope.ts';
export { type EventDraft, type EventType, eventTypes } from './event.ts';
export { typesMatching } from './filter.ts';
export { type LaneName, type LaneWrites, laneNames, type ParkedEvent } from './lane-write.ts';
export { packEvents, unpackEvents } from './pack.ts';
export { dueOf, firstOf, orderKey } from './parked.ts';
export { formatSse, sseHeartbeat } from './sse.ts';
export type { EventWrites } from './write.ts';

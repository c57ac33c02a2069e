export { type DispatchDependencies, dispatchEvents } from './dispatch.ts';
export { type Dispatcher, startDispatcher } from './dispatcher.ts';
export { type EventFeed, eventFeed } from './feed.ts';
export { type EventDependencies, eventHandlers } from './handler.ts';

export { type Endpoint, endpointsOf, listenAt, placeOf } from './endpoint.ts';
export { type Handler, type Handlers, Reply, type RequestContext } from './handler.ts';
export { createHttpServer, type HttpObserver, type HttpServer } from './server.ts';

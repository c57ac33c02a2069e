export { pageBegin, pageOf } from './cursor.ts';
export { type Endpoint, endpointsOf, listenAt, placeOf } from './endpoint.ts';
export { type Handler, type Handlers, Reply, type RequestContext } from './handler.ts';
export { createHttpServer, type HttpObserver, type HttpOptions, type HttpServer } from './server.ts';
export { localHosts } from './strict.ts';

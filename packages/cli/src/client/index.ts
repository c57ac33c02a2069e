export type { CallOptions, Client, Download, ServerSentEvent, Upload } from './client.ts';

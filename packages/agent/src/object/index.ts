export { openFolderStore } from './object-store.folder.ts';
export type { ObjectStore } from './object-store.ts';
export { oneChunk } from './one-chunk.ts';

export type { BusinessContext } from './classify.ts';
export { maxWatchItems, type WatchList, watchListFor } from './watch-list.ts';

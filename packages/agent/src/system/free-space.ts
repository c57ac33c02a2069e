import { statfsSync } from 'node:fs';

/** Less than this and the next hundred promotions may not fit: said before they fail. */
const wantedBytes = 4 * 1024 * 1024;

/** Readiness of the disk a folder is on. */
export function freeSpace(folder: string): { readonly ok: boolean; readonly detail: string } {
  const { bavail, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const mebibytes = Math.floor(free / (1024 * 1024));
  return {
    ok: free >= wantedBytes,
    detail: `${mebibytes} MiB free on the disk of the state folder${free >= wantedBytes ? '' : ', at least 4 are wanted'}`,
  };
}

import { resolve } from 'node:path';
import type { GovdConfig } from '@govctl/core/config';
import type { StateDir } from '../state/index.ts';

/** Where the last signed checkpoint is kept; a relative path is relative to the state folder. */
export function secondPlacePath(dir: StateDir, config: GovdConfig): string {
  return config.log.second_place === undefined ? dir.checkpoint : resolve(dir.root, config.log.second_place);
}

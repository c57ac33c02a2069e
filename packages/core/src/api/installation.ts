import { z } from 'zod';
import { document } from './common.ts';

/** What `govd install` wrote on a host, so that only that is replaced or taken away. A file, never printed. */
export const installationDocument = document('Installation', {
  version: z.string(),
  /** Digest of the programs. */
  program: z.string(),
  /** Path to digest, as written. */
  files: z.record(z.string(), z.string()),
}).strict();

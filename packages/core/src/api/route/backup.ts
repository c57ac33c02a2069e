import { z } from 'zod';
import { defineRoutes } from '../route.ts';

/** How many bytes a backup will have, about: what progress is measured against. */
export const backupBytesHeader = 'govctl-backup-bytes';

/** Everything there is, as one archive, while the daemon goes on. Private keys never leave through here. */
export const backupRoutes = defineRoutes({
  'backup.create': {
    method: 'POST',
    path: '/v1/backups',
    summary: 'An archive of databases, objects, configuration and trust root, consistent and recorded. Private keys are not in it',
    action: 'backup.create',
    listener: 'operator',
    body: z.strictObject({}),
    stream: 'bytes',
    problems: ['invalid-request', 'too-many-requests', 'unprocessable', 'evidence-unavailable', 'storage-unavailable'],
  },
});

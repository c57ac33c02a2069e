import type { Run } from '../../command.ts';
import type { snapshotRelease } from './declaration.ts';

export const run: Run<typeof snapshotRelease> = async ({ client }, { snapshot }, { reason }) => {
  const document = await client.call('snapshot.release', { params: { snapshot_id: snapshot }, body: { reason } });
  return { document, names: [document.snapshot_id] };
};

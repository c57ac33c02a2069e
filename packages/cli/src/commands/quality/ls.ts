import type { Run } from '../../command.ts';
import type { qualityLs } from './declaration.ts';

export const run: Run<typeof qualityLs> = async ({ client }, { snapshot }) => {
  const document = await client.call('quality.ls', { params: { snapshot_id: snapshot } });
  return { document, names: document.items.map(({ source_digest }) => source_digest) };
};

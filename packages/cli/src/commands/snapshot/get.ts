import { Problem } from '@govctl/core/api';
import { decodeManifest, maxManifestBytes } from '@govctl/core/promotion';
import type { Run } from '../../command.ts';
import type { snapshotGet } from './declaration.ts';

export const run: Run<typeof snapshotGet> = async ({ client }, { snapshot }, { files }) => {
  const document = await client.call('snapshot.get', { params: { snapshot_id: snapshot } });
  if (!files) return { document, names: [document.snapshot_id] };
  const { body } = await client.download('snapshot.manifest', { params: { snapshot_id: snapshot } });
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.byteLength;
    if (size > maxManifestBytes) throw new Problem('integrity', { detail: `the manifest is longer than ${maxManifestBytes} bytes` });
    parts.push(part);
  }
  const manifest = decodeManifest(Buffer.concat(parts), document.snapshot_hash);
  return { document: { ...document, files: manifest.files, ...(manifest.schema === undefined ? {} : { schema: manifest.schema }) } };
};

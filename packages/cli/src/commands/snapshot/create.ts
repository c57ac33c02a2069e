import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { faultText, isProblem, nameSchema, Problem, parseStrictJson, readAs } from '@govctl/core/api';
import { encodeManifest, type Manifest } from '@govctl/core/promotion';
import type { Run } from '../../command.ts';
import { counted } from '../../output/counted.ts';
import type { snapshotCreate } from './declaration.ts';
import { findFiles, requireUnchanged } from './folder.ts';
import { hashFiles } from './hash.ts';
import { missingOf, uploadAll } from './upload.ts';

export const run: Run<typeof snapshotCreate> = async (context, { dir }, flags) => {
  const { client, io, signal } = context;
  const dataset = requireName('--dataset', flags.dataset);
  const tenant = requireName('--tenant', flags.tenant ?? (await context.target()).tenant);
  const root = resolve(context.cwd, dir);
  const schema = flags.schema === undefined ? undefined : await readSchema(resolve(context.cwd, flags.schema));
  const found = await findFiles(root, signal);
  for (const folder of found.empty_folders.slice(0, 3))
    await io.warn(`${folder} is empty: a snapshot holds files, so it will not be part of it`);
  // Before minutes of hashing: is the daemon there, and may we?
  await client.call('object.missing', { body: { digests: [] } });

  const bytes = found.files.reduce((sum, file) => sum + file.size, 0);
  const progress = await io.progress(`hashing ${counted(found.files.length, 'file')}`);
  try {
    const files = await hashFiles(found.files, (done) => progress.update({ done, total: bytes, unit: 'bytes' }), signal);
    const encoded = encodeManifest({ dataset_id: dataset, files, schema });
    const objects = files.flatMap(({ sha256 }, index) => {
      const file = found.files[index];
      return file === undefined ? [] : [{ digest: `sha256:${sha256}`, file }];
    });
    const register = async () => {
      const missing = await missingOf(client, objects);
      const total = missing.reduce((sum, { file }) => sum + file.size, 0);
      progress.phase(
        missing.length === 0 ? 'everything is stored already' : `uploading ${missing.length} of ${counted(files.length, 'file')}`,
      );
      await uploadAll(client, missing, (done) => progress.update({ done, total, unit: 'bytes' }));
      const { snapshot_hash, bytes: body } = encoded;
      await client.upload('object.put', { params: { digest: snapshot_hash } }, { body, length: body.byteLength });
      await requireUnchanged(root, found, signal);
      const document = await client.call('snapshot.create', {
        body: { tenant_id: tenant, dataset_id: dataset, layer: flags.layer, snapshot_hash },
      });
      return { document, uploaded: missing.length };
    };
    let { document, uploaded } = await register();
    // The daemon found stored content damaged and set it aside: now it is missing, and we have it.
    if (document.missing_objects > 0) ({ document, uploaded } = await register());
    await progress.done(
      `${document.created ? 'registered' : 'already registered'}: ${counted(document.file_count, 'file')}, ${uploaded} uploaded`,
    );
    return { document, names: [document.snapshot_id] };
  } catch (error) {
    await progress.fail();
    throw error;
  }
};

/** What would be refused after minutes of hashing is refused now. */
function requireName(flag: string, value: string): string {
  const read = readAs(nameSchema, value);
  if (read.ok) return value;
  throw new Problem('usage', {
    detail: `${flag} ${faultText(read.faults)}`,
    hint: `${flag} orders`,
  });
}

async function readSchema(path: string): Promise<Manifest['schema']> {
  try {
    const value = parseStrictJson(await readFile(path));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Manifest['schema'];
  } catch (cause) {
    const why = isProblem(cause) ? cause.message : (cause as Error).message;
    throw new Problem('usage', { detail: `the schema ${path} cannot be read: ${why}`, hint: 'a JSON object', cause });
  }
  throw new Problem('usage', { detail: `the schema ${path} is not a JSON object` });
}

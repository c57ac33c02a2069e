import { Problem, qualityFileLimit } from '@govctl/core/api';
import { importKinds } from '@govctl/core/quality';
import type { Run } from '../../command.ts';
import { readInput } from '../../io/input-file.ts';
import type { qualityImport } from './declaration.ts';

export const run: Run<typeof qualityImport> = async (context, args, flags) => {
  const kind = importKinds.find((known) => known === args.kind);
  if (kind === undefined) {
    throw new Problem('usage', {
      detail: `${JSON.stringify(args.kind)} is no kind of result file that is read`,
      hint: `govctl quality import ${importKinds.join('|')} ${args.file} --snapshot ${flags.snapshot}`,
    });
  }
  const { bytes } = await readInput(context, args.file, qualityFileLimit);
  const document = await context.client.upload(
    'quality.import',
    { params: { snapshot_id: flags.snapshot }, query: { kind } },
    { body: bytes, length: bytes.length },
  );
  const undated = document.checks.filter(({ ran_at }) => ran_at === null).length;
  if (undated > 0)
    await context.io.note(`${undated} of ${document.checks.length} checks do not say when they ran: freshness waits for results that do`);
  return { document, names: [document.source_digest] };
};

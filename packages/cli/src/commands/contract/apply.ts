import type { Run } from '../../command.ts';
import { readText } from '../../io/input-file.ts';
import type { contractApply } from './declaration.ts';

export const run: Run<typeof contractApply> = async (context, _args, flags) => {
  const { text: source } = await readText(context, flags.file);
  const expected = flags.expectedVersion;
  const document = await context.client.call('contract.apply', {
    body: { source, ...(expected === undefined ? {} : { expected_version: expected }) },
  });
  return { document, names: [document.contract_id] };
};

import { Problem, parseStrictJson, readAs, reasonsOf } from '@govctl/core/api';
import { birthLineSchema } from '@govctl/core/handoff';
import type { Run } from '../../command.ts';
import type { birthAdd } from './declaration.ts';

export const run: Run<typeof birthAdd> = async ({ client, now }, { key }, flags) => {
  const line = readAs(birthLineSchema, {
    change: 'BORN',
    object_key: key,
    object_type: flags.type,
    born_at: flags.bornAt ?? now().toISOString(),
    ...(flags.payload === undefined ? {} : { payload: parseStrictJson(Buffer.from(flags.payload)) }),
  });
  if (!line.ok) {
    throw new Problem('usage', {
      detail: 'the birth cannot be registered as it is',
      hint: 'govctl birth add --help',
      reasons: reasonsOf(line.faults),
    });
  }
  const document = await client.call('birth.add', { body: { lines: [line.value], permit_id: flags.permit } });
  return { document, names: [key] };
};

import type { Run } from '../../command.ts';
import type { candidateGet } from './declaration.ts';

export const run: Run<typeof candidateGet> = async ({ client }, { key }) => ({
  document: await client.call('candidate.get', { query: { object_key: key } }),
  names: [key],
});

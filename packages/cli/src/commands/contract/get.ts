import type { Run } from '../../command.ts';
import type { contractGet } from './declaration.ts';

export const run: Run<typeof contractGet> = async ({ client }, { contract }, flags) => {
  const query = flags.version === undefined ? {} : { version: flags.version };
  return { document: await client.call('contract.get', { params: { contract_id: contract }, query }), names: [contract] };
};

import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { contextShow } from './declaration.ts';

export const run: Run<typeof contextShow> = async ({ target }) => {
  const { endpoint, context, ...rest } = await target();
  const where = 'socket' in endpoint ? endpoint.socket : endpoint.url;
  return { document: asDocument('Context', { name: context, endpoint: where, ...rest }), names: [context ?? where] };
};

import type { Run } from '../../command.ts';
import type { gateLs } from './declaration.ts';

export const run: Run<typeof gateLs> = async ({ client }) => ({ document: await client.call('gate.ls') });

import { apiWindow } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import { programVersion } from '../../program-version.ts';
import type { version } from './declaration.ts';

export const run: Run<typeof version> = async ({ client }, _args, flags) => {
  const own = { version: programVersion, api: { ...apiWindow } };
  if (!flags.daemon) return { document: asDocument('ClientVersion', own), names: [own.version] };
  const { schemaVersion: _schema, kind: _kind, ...daemon } = await client.call('system.version');
  return { document: asDocument('ClientVersion', { ...own, daemon }), names: [own.version] };
};

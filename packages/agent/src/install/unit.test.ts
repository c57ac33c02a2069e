import { type GovdConfig, validateConfig } from '@govctl/core/config';
import { describe, expect, it } from 'vitest';
import { installedFiles } from './unit.ts';

function govd(extra: string): GovdConfig {
  const text = `apiVersion: govctl/v1\nkind: GovdConfig\nenvironment: local_parity\nsecrets: { provider: systemd }\n${extra}`;
  const result = validateConfig(text);
  if (!result.ok || result.value.kind !== 'GovdConfig') throw new Error(JSON.stringify(result));
  return result.value.config;
}

const dropIn = (extra: string) => installedFiles(govd(extra)).find(({ path }) => path.includes('govd.service.d'))?.content;
const origin = 'log: { origin: test/log }\n';

describe('the files of an installation', () => {
  it('each say who wrote them', () => {
    for (const { path, content } of installedFiles(govd(origin))) expect(content, path).toContain('ritten by `govd install`');
  });

  it('open the unit for nothing that the configuration does not need', () => {
    expect(dropIn(origin)).toBeUndefined();
    expect(dropIn('log: { origin: test/log, second_place: checkpoint }\n')).toBeUndefined();
    expect(dropIn('log: { origin: test/log, second_place: /var/lib/govd/checkpoint }\n')).toBeUndefined();
  });

  it('let it write where the second place is, and nowhere near', () => {
    const text = dropIn('log: { origin: test/log, second_place: /mnt/shared/govctl/checkpoint }\n');
    expect(text).toContain('\nReadWritePaths=/mnt/shared/govctl\n');
    expect(text).not.toContain('PrivateNetwork');
  });

  it('let it be reached over loopback, where signed evidence URLs are opened', () => {
    expect(dropIn(`${origin}listeners: { fetch: { port: 8443 } }\n`)).toContain('\nPrivateNetwork=no\n');
  });

  it('hand it the key of its TLS certificate', () => {
    const text = dropIn(`${origin}listeners: { fetch: { port: 8443, tls: { cert_file: /etc/govd/fetch.pem, key_file: fetch.key } } }\n`);
    expect(text).toContain('\nLoadCredential=fetch.key:/etc/govd/credentials/fetch.key\n');
  });

  it('let it reach PostgreSQL, with the one password it logs in with', () => {
    const owner = 'owner: { user: o, password_file: owner.password }';
    const text = dropIn(`${origin}store: { postgres: { host: h, database: d, user: u, password_file: govd.password, ${owner} } }\n`);
    expect(text).toContain('\nPrivateNetwork=no\n');
    expect(text).toContain('\nLoadCredential=govd.password:/etc/govd/credentials/govd.password\n');
    expect(text).not.toContain('owner.password');
  });
});

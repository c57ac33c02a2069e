import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { validateConfig } from '@govctl/core/config';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresAvailability } from '../../../../../test/postgres/binaries.ts';
import { serverIdentity } from '../../../../../test/postgres/identity.ts';
import { type PostgresServer, startPostgres } from '../../../../../test/postgres/server.ts';
import { connectPostgres } from './connect.ts';
import { postgresSettings } from './settings.ts';

const postgres = postgresAvailability();

describe.skipIf(postgres.skip)(`TLS${postgres.note}`, () => {
  let folder: string;
  let server: PostgresServer;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'govctl-tls-'));
    chmodSync(folder, 0o755);
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
    for (const name of ['ours', 'other']) {
      const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:db.test'];
      openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', `${name}.key`, '-out', `${name}.pem`, ...names);
    }
    const { uid, gid } = serverIdentity();
    chmodSync(file('ours.key'), 0o600);
    if (uid !== undefined && gid !== undefined) for (const name of ['ours.key', 'ours.pem']) chownSync(file(name), uid, gid);
    server = await startPostgres({ settings: { ssl: 'on', ssl_cert_file: file('ours.pem'), ssl_key_file: file('ours.key') } });
    writeFileSync(file('password'), `${server.password}\n`, { mode: 0o600 });
  });
  afterAll(async () => {
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A connection as govd.yaml says it; whether it is encrypted. */
  async function encrypted(tls: string): Promise<boolean> {
    const validated = validateConfig(`apiVersion: govctl/v1
kind: GovdConfig
environment: local_parity
log: { origin: test }
store:
  postgres: { host: 127.0.0.1, port: ${server.port}, database: postgres, user: ${server.superuser}, password_file: password, ${tls} }`);
    if (!validated.ok || validated.value.kind !== 'GovdConfig' || validated.value.config.store.postgres === undefined)
      throw new Error(JSON.stringify(validated));
    const { client } = await connectPostgres(postgresSettings(validated.value.config.store.postgres, folder), {
      purpose: 'test',
      mode: 'read',
    });
    const { rows } = await client.query<{ ssl: boolean }>('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()');
    await client.end();
    return rows[0]?.ssl === true;
  }

  it('encrypts, to a server whose certificate is trusted and has the name', async () => {
    expect(await encrypted('tls: { ca_file: ours.pem, server_name: db.test }')).toBe(true);
  });

  it('goes to no server of another certificate, or of another name', async () => {
    await expect(encrypted('tls: { ca_file: other.pem, server_name: db.test }')).rejects.toThrow(/certificate/);
    await expect(encrypted('tls: { ca_file: ours.pem }')).rejects.toThrow(/127\.0\.0\.1|altnames/);
    await expect(encrypted('tls: { ca_file: ours.pem, server_name: elsewhere.test }')).rejects.toThrow(/altnames/);
  });

  it('or none, goes to no server that a crash of its host could take commits from', async () => {
    const set = async (what: string) => {
      await server.query(`ALTER SYSTEM ${what}`);
      await server.query('SELECT pg_reload_conf()');
    };
    for (const name of ['fsync', 'full_page_writes']) {
      await set(`SET ${name} = off`);
      // The postmaster tells the others a moment later.
      await expect.poll(async () => await encrypted('connections: 2').catch(String)).toContain(`${name} is off`);
      await set(`RESET ${name}`);
      await expect.poll(async () => await encrypted('connections: 2').catch(String)).toBe(false);
    }
  });

  it('is off only where the configuration does not ask for it', async () => {
    expect(await encrypted('connections: 2')).toBe(false);
  });
});

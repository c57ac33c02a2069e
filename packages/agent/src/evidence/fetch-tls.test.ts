import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isProblem } from '@govctl/core/api';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readFetchTls } from './fetch-tls.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'govctl-fetch-tls-'));
  for (const name of ['ours', 'other']) {
    const made = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`, '-out', `${name}.pem`];
    execFileSync('openssl', ['req', '-x509', '-days', '2', ...made, '-subj', `/CN=${name}`], { cwd: folder, stdio: 'pipe' });
    chmodSync(join(folder, `${name}.key`), 0o600);
  }
  writeFileSync(join(folder, 'text'), 'a secret that is no PEM\n', { mode: 0o600 });
});
afterAll(() => rmSync(folder, { recursive: true }));

const good = { cert_file: 'ours.pem', key_file: 'ours.key' };

it('reads what belongs together, and asks clients for a certificate where there is an authority', () => {
  const plain = readFetchTls(good, folder, 'mode');
  expect(plain.options).toMatchObject({ minVersion: 'TLSv1.2' });
  expect(plain.options.requestCert).toBeUndefined();
  expect(Date.parse(plain.valid_until)).toBeGreaterThan(Date.now());
  expect(readFetchTls({ ...good, client_ca_file: 'other.pem' }, folder, 'mode').options).toMatchObject({
    requestCert: true,
    rejectUnauthorized: true,
  });
});

it('refuses files that are missing, open to others, of another pair, or nothing; says which, and repeats nothing of them', () => {
  const refusals: [Partial<Parameters<typeof readFetchTls>[0]>, string, string][] = [
    [{ cert_file: 'none.pem' }, 'none.pem cannot be read: ENOENT', 'tls.cert_file'],
    [{ key_file: 'none.key' }, 'none.key cannot be read: ENOENT', 'tls.key_file'],
    [{ cert_file: 'text' }, 'text is not PEM', 'tls.cert_file'],
    [{ key_file: 'text' }, 'text is not PEM', 'tls.key_file'],
    [{ client_ca_file: 'text' }, 'text is not PEM', 'tls.client_ca_file'],
    [{ key_file: 'other.key' }, 'is not that of the certificate', 'listeners.fetch.tls'],
  ];
  for (const [change, detail, hint] of refusals) {
    const refused = refusalOf({ ...good, ...change });
    expect([refused.message, refused.hint]).toEqual([expect.stringContaining(detail), expect.stringContaining(hint)]);
    expect(`${refused.message} ${refused.hint}`).not.toContain('a secret');
  }
  const key = join(folder, 'ours.key');
  chmodSync(key, 0o640);
  expect(refusalOf(good)).toMatchObject({ code: 'forbidden', hint: `chmod 600 ${key}` });
  // A credential has an ACL, and its mode says nothing.
  expect(readFetchTls(good, folder, 'systemd').options.key).toContain('PRIVATE KEY');
  chmodSync(key, 0o600);
});

function refusalOf(tls: Parameters<typeof readFetchTls>[0]) {
  try {
    readFetchTls(tls, folder, 'mode');
  } catch (error) {
    if (isProblem(error)) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TlsOptions } from 'node:tls';
import { Problem } from '@govctl/core/api';
import type { GovdConfig } from '@govctl/core/config';

type FetchTlsConfig = NonNullable<NonNullable<GovdConfig['listeners']['fetch']>['tls']>;

/** What a TLS server is made of, and until when its certificate holds. */
export type FetchTls = { readonly options: TlsOptions; readonly valid_until: string };

/**
 * Reads the certificate, its key and the authority of clients. With an authority every client must have a certificate of it: a connection
 * without one ends in the handshake.
 *
 * @param guardedBy files of our own must be closed to others; credentials are closed by systemd, with an ACL
 * @throws Problem `unavailable` or `forbidden` that names the file
 */
export function readFetchTls(
  { cert_file, key_file, client_ca_file }: FetchTlsConfig,
  root: string,
  guardedBy: 'mode' | 'systemd',
): FetchTls {
  const certificatePath = resolve(root, cert_file);
  const keyPath = resolve(root, key_file);
  const cert = readPem(certificatePath, 'cert_file');
  const certificate = parsed(certificatePath, 'cert_file', () => new X509Certificate(cert));
  const mode = modeOf(keyPath);
  if (guardedBy === 'mode' && (mode & 0o077) !== 0)
    throw new Problem('forbidden', {
      detail: `the key of the TLS certificate can be read by others (${keyPath}, mode ${mode.toString(8)})`,
      hint: `chmod 600 ${keyPath}`,
    });
  const key = readPem(keyPath, 'key_file');
  const privateKey = parsed(keyPath, 'key_file', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey))
    throw new Problem('unavailable', {
      detail: `the key ${keyPath} is not that of the certificate ${certificatePath}`,
      hint: 'name the two that were made together under listeners.fetch.tls in govd.yaml',
    });
  return {
    options: { cert, key, minVersion: 'TLSv1.2', ...clientsOf(client_ca_file === undefined ? undefined : resolve(root, client_ca_file)) },
    valid_until: new Date(certificate.validTo).toISOString(),
  };
}

function clientsOf(path: string | undefined): TlsOptions {
  if (path === undefined) return {};
  const ca = readPem(path, 'client_ca_file');
  // Node takes a file without a certificate for no authority at all, and says nothing.
  parsed(path, 'client_ca_file', () => new X509Certificate(ca));
  return { ca, requestCert: true, rejectUnauthorized: true };
}

function modeOf(path: string): number {
  return readable(path, 'key_file', () => statSync(path).mode & 0o777);
}

function readPem(path: string, setting: string): string {
  return readable(path, setting, () => readFileSync(path, 'utf8'));
}

function readable<T>(path: string, setting: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`,
      hint: `name a file that govd may read as listeners.fetch.tls.${setting} in govd.yaml`,
      cause,
    });
  }
}

/** What a parser of PEM says may repeat what it read: it is not passed on. */
function parsed<T>(path: string, setting: string, parse: () => T): T {
  try {
    return parse();
  } catch {
    throw new Problem('unavailable', {
      detail: `${path} is not PEM, or nothing that can be used as ${setting}`,
      hint: `name another file as listeners.fetch.tls.${setting} in govd.yaml`,
    });
  }
}

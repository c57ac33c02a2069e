import { createHash, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Problem } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';

/** What binds a URL to the holder of a certificate: its SHA-256, as RFC 8705 has it. @throws Problem `usage` */
export async function confirmationIn({ cwd }: Pick<CommandContext, 'cwd'>, file: string): Promise<{ 'x5t#S256': string }> {
  const path = resolve(cwd, file);
  try {
    const { raw } = new X509Certificate(await readFile(path));
    return { 'x5t#S256': createHash('sha256').update(raw).digest('base64url') };
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? '';
    throw new Problem('usage', {
      detail: `${path} ${code.startsWith('E') && !code.startsWith('ERR_') ? `cannot be read: ${code}` : 'is no certificate in PEM'}`,
      hint: 'name the certificate of whoever is to open the URL; its key stays with them',
      cause,
    });
  }
}

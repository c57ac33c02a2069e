import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Opens a browser. Arguments of a process are seen by everybody on the machine, so the address does not go there: it stands in a file
 * that only this user can read, and that leads on to it.
 */
export async function openBrowser(url: string): Promise<{ remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'govctl-receipt-'));
  const file = join(folder, 'open.html');
  await writeFile(
    file,
    `<!doctype html><meta http-equiv="refresh" content="0;url=${url}"><title>Receipt</title><a href="${url}">Receipt</a>\n`,
    {
      mode: 0o600,
    },
  );
  const child = spawn(process.platform === 'darwin' ? 'open' : 'xdg-open', [file], { stdio: 'ignore', detached: true });
  // Without a browser the address that is printed still works.
  child.on('error', () => {});
  child.unref();
  return { remove: async () => await rm(folder, { recursive: true, force: true }) };
}

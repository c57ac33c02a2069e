import type { ExitName } from '@govctl/core/api';
import type { CommandContext } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { openBrowser } from './browser.ts';
import { servePage } from './page-server.ts';

export type ServeOptions = { readonly run_id: string; readonly timeoutMs: number; readonly open: boolean };

/** Prints where the page is, and waits until it was fetched, the time is over, or Ctrl-C. */
export function servedOnce(page: string, { io, signal }: CommandContext, { run_id, timeoutMs, open }: ServeOptions): CommandResult {
  let exit: ExitName = 'ok';
  const told = async function* () {
    const server = await servePage(page);
    const opened = open ? await openBrowser(server.url) : undefined;
    const timer = AbortSignal.timeout(timeoutMs);
    const over = new Promise<ExitName>((resolve) => {
      timer.addEventListener('abort', () => resolve('timeout'), { once: true });
      signal.addEventListener('abort', () => resolve('cancelled'), { once: true });
    });
    try {
      yield asDocument('ReceiptPage', { run_id, url: server.url, served: 'once', timeout_ms: timeoutMs });
      await io.note('served once, on this machine only; Ctrl-C ends it');
      exit = await Promise.race([server.fetched.then((): ExitName => 'ok'), over]);
      if (exit === 'timeout') await io.warn('nobody fetched the page while it was there');
    } finally {
      await server.close();
      await opened?.remove();
    }
  };
  return { stream: told(), line: ({ url }) => String(url), exit: () => exit };
}

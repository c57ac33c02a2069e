import { Problem } from '@govctl/core/api';
import { receiptHtml } from '@govctl/core/receipt';
import type { Run } from '../../command.ts';
import { receiptText } from '../../output/table/receipt.ts';
import type { runReceipt } from './declaration.ts';

export const run: Run<typeof runReceipt> = async (context, { run }, { details, open, timeout, web }) => {
  const { client, globals, io } = context;
  if (open && !web)
    throw new Problem('usage', { detail: '--open opens the page that --web serves', hint: `govctl run receipt ${run} --web --open` });
  if (web && globals.output === 'html')
    throw new Problem('usage', {
      detail: '-o html prints the page, and --web serves it',
      hint: `leave one of them out: govctl run receipt ${run} --web`,
    });
  if (open && !io.streams.stdout.isTerminal)
    throw new Problem('usage', {
      detail: '--open needs a terminal: nobody is here to look at a browser',
      hint: `govctl run receipt ${run} --web`,
    });
  const receipt = await client.call('run.receipt', { params: { run_id: run } }, { timeoutMs: 30_000 });
  if (web) {
    const { servedOnce } = await import('./serve.ts');
    return servedOnce(receiptHtml(receipt), context, { timeoutMs: timeout, open, run_id: run });
  }
  return {
    document: receipt,
    names: [receipt.run_id],
    renderings: { html: () => receiptHtml(receipt) },
    table: (paint) => receiptText(receipt, { paint, columns: io.streams.stdout.columns, details }),
  };
};

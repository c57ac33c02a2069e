import { Problem } from '@govctl/core/api';
import type { Run } from '../../command.ts';
import type { promotionPause } from './declaration.ts';

export const run: Run<typeof promotionPause> = async ({ client }, { run: run_id }, flags) => {
  if (flags.keepLock && flags.releaseLock) {
    throw new Problem('usage', {
      detail: '--keep-lock and --release-lock exclude each other',
      hint: 'give one; without either, nothing is locked meanwhile',
    });
  }
  return {
    document: await client.call('promotion.pause', {
      params: { run_id },
      body: {
        reason: flags.reason,
        pause_reason: flags.kind,
        authorities: flags.authority,
        sla_s: Math.ceil(flags.sla / 1000),
        warn_before_s: Math.ceil(flags.warnBefore / 1000),
        timeout: timeouts[flags.onTimeout],
        keep_lock: flags.keepLock,
      },
    }),
  };
};

const timeouts = { terminate: 'TERMINATE', continue: 'CONTINUE', escalate: 'ESCALATE' } as const;

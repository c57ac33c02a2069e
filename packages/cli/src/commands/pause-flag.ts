import { Problem } from '@govctl/core/api';
import type { FlagValues } from '../flag.ts';

const kinds = ['manual_pause', 'policy_change', 'budget_warning', 'approval_required', 'rate_limit_soft'] as const;
const authorities = ['tenant_admin', 'tenant_user', 'system_auto', 'api_key_owner', 'founder_only'] as const;

/** The flags of a pause, of promotions and jobs alike; a lock is kept of `locked`. */
export const pauseFlags = (locked: string) =>
  ({
    reason: { type: 'string', value: 'TEXT', required: true, summary: 'Why; goes into the record' },
    kind: { type: 'string', value: 'KIND', choices: kinds, default: 'manual_pause', summary: 'What kind of pause it is' },
    authority: { type: 'list', value: 'WHO', choices: authorities, summary: 'Who may resume it, any one of them; may be given again' },
    sla: { type: 'duration', value: 'DURATION', default: '1h', summary: 'How long it may stay paused; 30d at most' },
    'warn-before': { type: 'duration', value: 'DURATION', default: '5m', summary: 'How long before that somebody is warned' },
    'on-timeout': {
      type: 'string',
      value: 'WHAT',
      choices: ['terminate', 'continue', 'escalate'],
      default: 'terminate',
      summary: 'What happens then: it ends, it goes on, or it stays paused and an incident is opened',
    },
    'keep-lock': { type: 'boolean', summary: `Nobody else may write ${locked} meanwhile` },
    'release-lock': { type: 'boolean', summary: `Others may write ${locked} meanwhile; so it is when neither is given` },
  }) as const;

const timeouts = { terminate: 'TERMINATE', continue: 'CONTINUE', escalate: 'ESCALATE' } as const;

/** What these flags ask of the daemon. */
export function pauseAsked(flags: FlagValues<ReturnType<typeof pauseFlags>>) {
  if (flags.keepLock && flags.releaseLock) {
    throw new Problem('usage', {
      detail: '--keep-lock and --release-lock exclude each other',
      hint: 'give one; without either, nothing is locked meanwhile',
    });
  }
  return {
    reason: flags.reason,
    pause_reason: flags.kind,
    authorities: flags.authority,
    sla_s: Math.ceil(flags.sla / 1000),
    warn_before_s: Math.ceil(flags.warnBefore / 1000),
    timeout: timeouts[flags.onTimeout],
    keep_lock: flags.keepLock,
  };
}

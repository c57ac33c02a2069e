import { Problem } from '@govctl/core/api';

/** What systemd is told (sd_notify(3)); several assignments go in one message and count together. */
export type Notify = (state: Readonly<Record<string, string | number>>) => void;

/** Speaks to the supervisor that started this process, or to nobody. The native part is loaded only where somebody listens. */
export async function openNotify(env: NodeJS.ProcessEnv): Promise<Notify> {
  const path = env.NOTIFY_SOCKET;
  if (path === undefined || !/^[/@]/.test(path)) return () => {};
  const send = await senderTo(path);
  return (state) => send(Object.entries(state).map(assignment).join('\n'));
}

/** @throws Problem `unavailable`: systemd waits for a word that cannot be sent, so silence would end as a time-out without a reason */
async function senderTo(path: string): Promise<(text: string) => void> {
  try {
    const { datagramSender } = await import('./datagram.ts');
    return datagramSender(path);
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `systemd cannot be notified from this platform: ${(cause as Error).message}`,
      hint: 'run it without: Type=exec and WatchdogSec=0 in a drop-in (systemctl edit govd.service)',
      cause,
    });
  }
}

/** A status is one line; a line break in it would be an assignment of its own. */
function assignment([name, value]: readonly [string, string | number]): string {
  return `${name}=${String(value).replace(/[\r\n]+/g, ' ')}`;
}

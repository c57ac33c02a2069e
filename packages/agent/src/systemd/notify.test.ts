import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import koffi from 'koffi';
import { expect, it } from 'vitest';
import { openNotify } from './notify.ts';

/** The other end: what systemd is. */
function receiver(path: string): () => string {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)');
  const bind = libc.func('int bind(int fd, const void *address, uint32_t length)');
  const recv = libc.func('long recv(int fd, _Out_ uint8_t *bytes, size_t length, int flags)');
  const fd = socket(1, 2, 0) as number;
  const address = Buffer.concat([Buffer.from([1, 0]), path.startsWith('@') ? Buffer.from(`\0${path.slice(1)}`) : Buffer.from(`${path}\0`)]);
  expect(bind(fd, address, address.length)).toBe(0);
  return () => {
    const bytes = Buffer.alloc(4096);
    const length = recv(fd, bytes, bytes.length, 0x40) as number;
    return length < 0 ? '' : bytes.subarray(0, length).toString();
  };
}

it.each(['a path', 'a name outside the file system'])('is heard at %s, one datagram a message', async (kind) => {
  const folder = mkdtempSync(join(tmpdir(), 'govctl-notify-'));
  try {
    const path = kind === 'a path' ? join(folder, 'notify') : `@govctl-notify-${process.pid}`;
    const received = receiver(path);
    const notify = await openNotify({ NOTIFY_SOCKET: path });
    notify({ READY: 1, STATUS: 'two\nlines' });
    notify({ WATCHDOG: 1 });
    expect(received()).toBe('READY=1\nSTATUS=two lines');
    expect(received()).toBe('WATCHDOG=1');
    expect(received()).toBe('');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('says nothing where nobody listens, and does not fail where somebody did', async () => {
  (await openNotify({}))({ READY: 1 });
  (await openNotify({ NOTIFY_SOCKET: 'relative' }))({ READY: 1 });
  (await openNotify({ NOTIFY_SOCKET: join(tmpdir(), 'govctl-nobody-is-here') }))({ READY: 1 });
});

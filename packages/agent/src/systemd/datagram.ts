import koffi from 'koffi';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;

/** `struct sockaddr_un`; an `@` at the start is a name outside the file system. */
function addressOf(path: string): Buffer {
  const name = Buffer.from(path);
  if (name[0] === 0x40) name[0] = 0;
  const family = Buffer.alloc(2);
  if (new Uint8Array(new Uint16Array([1]).buffer)[0] === 1) family.writeUInt16LE(AF_UNIX);
  else family.writeUInt16BE(AF_UNIX);
  // A path ends with a zero byte; a name outside the file system ends with its length.
  return Buffer.concat(path.startsWith('@') ? [family, name] : [family, name, Buffer.alloc(1)]);
}

/**
 * Sends datagrams to a unix socket, which Node cannot: its sockets are UDP or streams. Never waits and never throws: whoever
 * supervises this process may be gone, and that is no reason to fail.
 */
export function datagramSender(path: string): (text: string) => void {
  const libc = koffi.load(null);
  const socket = libc.func('int socket(int domain, int type, int protocol)') as (domain: number, type: number, protocol: number) => number;
  const sendto = libc.func('long sendto(int fd, const void *bytes, size_t length, int flags, const void *to, uint32_t to_length)') as (
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
    to: Buffer,
    toLength: number,
  ) => number;
  const to = addressOf(path);
  const fd = socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  return (text) => {
    const bytes = Buffer.from(text);
    if (fd >= 0) sendto(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, to, to.length);
  };
}

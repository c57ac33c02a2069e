// Loaded into a program before it starts: writes down every connection it begins and every name it looks up, at the level of the
// engine's own handles, so that no library can go past it.
import { createHook } from 'node:async_hooks';
import { appendFileSync } from 'node:fs';

const network = new Set([
  'PIPECONNECTWRAP',
  'TCPCONNECTWRAP',
  'TCPWRAP',
  'UDPWRAP',
  'UDPSENDWRAP',
  'GETADDRINFOREQWRAP',
  'QUERYWRAP',
  'TLSWRAP',
]);
const file = process.env.OFFLINE_WATCH;
createHook({
  init(_id, type) {
    if (network.has(type)) appendFileSync(file, `${type}\n`);
  },
}).enable();
appendFileSync(file, '');

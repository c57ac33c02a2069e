import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** What is not on the public internet (IANA special-purpose registries). Link-local is where clouds keep their credentials. */
const refused = new BlockList();
for (const [network, bits] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  refused.addSubnet(network, bits, 'ipv4');
// Of IPv6 only 2000::/3 is public; in it these are not, or lead to IPv4 addresses that are not looked at: Teredo, 6to4, documentation.
for (const [network, bits] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  refused.addSubnet(network, bits, 'ipv6');
const global = new BlockList();
global.addSubnet('2000::', 3, 'ipv6');

/** Networks of one's own, for what may be on them. */
const ofOnesOwn = new BlockList();
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  ofOnesOwn.addSubnet(network, bits, 'ipv4');
ofOnesOwn.addSubnet('fc00::', 7, 'ipv6');

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Whether an address that a name resolved to may be connected to. What is no address may not. */
export function mayConnect(address: string, allowLoopback: boolean, allowPrivate = false): boolean {
  if (isIPv4(address)) {
    if (allowPrivate && ofOnesOwn.check(address, 'ipv4')) return true;
    return (allowLoopback && loopback.check(address, 'ipv4')) || !refused.check(address, 'ipv4');
  }
  if (!isIPv6(address)) return false;
  if (address.toLowerCase().startsWith('::ffff:')) return false;
  if (allowLoopback && loopback.check(address, 'ipv6')) return true;
  if (allowPrivate && ofOnesOwn.check(address, 'ipv6')) return true;
  return global.check(address, 'ipv6') && !refused.check(address, 'ipv6');
}

/** Whether an address is of this machine: plain http goes nowhere else. */
export function isLoopback(address: string): boolean {
  return isIPv4(address) ? loopback.check(address, 'ipv4') : isIPv6(address) && loopback.check(address, 'ipv6');
}

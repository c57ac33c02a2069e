import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

/** SHA-256 of the client certificate of a connection, base64url, as `x5t#S256` has it (RFC 8705); nothing without one. */
export function confirmationOf(socket: Socket): { readonly confirmation?: string } {
  if (!(socket instanceof TLSSocket)) return {};
  const { raw } = socket.getPeerCertificate();
  // Without a client certificate there is an empty object.
  return (raw as Buffer | undefined) === undefined ? {} : { confirmation: createHash('sha256').update(raw).digest('base64url') };
}

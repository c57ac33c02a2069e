import { readFileSync } from 'node:fs';

/** Who the server runs as: options of `spawn`, and the owner of its files. Empty: whoever runs the tests. */
export type Identity = { readonly uid?: number; readonly gid?: number };

/** PostgreSQL refuses to run as root, and so does initdb; every Linux has a user who owns nothing. */
export function serverIdentity(): Identity {
  if (process.getuid?.() !== 0) return {};
  const nobody = /^nobody:[^:]*:(\d+):(\d+):/m.exec(readFileSync('/etc/passwd', 'utf8'));
  return { uid: Number(nobody?.[1] ?? 65534), gid: Number(nobody?.[2] ?? 65534) };
}

import { readFileSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import { loadTrust, type Signer, type Trust, type TrustRoot, trustSchema } from '@govctl/core/evidence';

export type PinnedTrust = { readonly document: Trust; readonly root: TrustRoot };

/** Who a deployment's own keys must be in its trust root. */
export type OwnKeys = { readonly decision: Signer; readonly log: Signer; readonly capability: Signer };

/**
 * The deployment's own trust root. Every key in it is enrolled again (weak points refused), and the keys this process signs with
 * must stand in it: a daemon that signs what nobody trusts must not start.
 *
 * @throws Problem `unavailable`
 */
export function readTrust(path: string, origin: string, own: OwnKeys): PinnedTrust {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `the trust root ${path} cannot be read: ${(cause as Error).message}`,
      hint: 'restore it from a backup: it is the file that verifiers of this deployment pinned',
      cause,
    });
  }
  const root = load(path, value);
  if (root.origin !== origin) {
    throw new Problem('unavailable', {
      detail: `the trust root is of the log ${root.origin}, the configuration names ${origin}`,
      hint: 'a log keeps its origin for ever: put the first one back into govd.yaml',
    });
  }
  for (const purpose of ['decision', 'log', 'capability'] as const) {
    const spki = Buffer.from(own[purpose].public_key_spki);
    if (root.keys.some((key) => key.purpose === purpose && spki.equals(key.spki))) continue;
    throw new Problem('unavailable', {
      detail: `the ${purpose} key of this state folder is not in its trust root: whatever it signs would not verify`,
      hint: 'restore keys and trust.json from the same backup',
    });
  }
  return { document: trustSchema.parse(value), root };
}

function load(path: string, value: unknown): TrustRoot {
  try {
    return loadTrust(value);
  } catch (cause) {
    throw new Problem('unavailable', {
      detail: `${path}: ${(cause as Error).message}`,
      hint: 'restore the file from a backup',
      cause,
    });
  }
}

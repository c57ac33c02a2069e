import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Problem } from '@govctl/core/api';
import { ed25519Signer, type KeyPurpose, keyPurposes, type Signer } from '@govctl/core/evidence';
import { writeFileDurably } from './durable-file.ts';
import type { KeyPlace } from './secret.ts';

export type KeyFiles = Readonly<Record<KeyPurpose, KeyObject>>;

const fileOf = (folder: string, purpose: KeyPurpose) => join(folder, `${purpose}.key`);

/** Makes one Ed25519 key per purpose, readable by the owner alone; the public half lies beside it for anybody's verifier. */
export function createKeys(folder: string): void {
  for (const purpose of keyPurposes) {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    writeFileDurably(fileOf(folder, purpose), privateKey.export({ type: 'pkcs8', format: 'pem' }), 0o600);
    writeFileDurably(join(folder, `${purpose}.pub.pem`), publicKey.export({ type: 'spki', format: 'pem' }), 0o644);
  }
}

/** @throws Problem `unavailable` when a key is missing or not Ed25519, `forbidden` when it is readable by others. */
export function loadKeys({ folder, guardedBy }: KeyPlace): KeyFiles {
  const load = (purpose: KeyPurpose): KeyObject => {
    const path = fileOf(folder, purpose);
    if (!existsSync(path))
      throw new Problem('unavailable', {
        detail: `the ${purpose} key is missing (${path})`,
        hint: 'restore it from a backup, or start a new state folder: govd init --state-dir D',
      });
    const mode = statSync(path).mode & 0o777;
    if (guardedBy === 'mode' && (mode & 0o077) !== 0)
      throw new Problem('forbidden', {
        detail: `the ${purpose} key can be read by others (mode ${mode.toString(8)})`,
        hint: `chmod 600 ${path}`,
      });
    let key: KeyObject;
    try {
      key = createPrivateKey(readFileSync(path));
    } catch (cause) {
      throw new Problem('unavailable', { detail: `the ${purpose} key cannot be read (${path})`, cause });
    }
    if (key.asymmetricKeyType !== 'ed25519')
      throw new Problem('unavailable', { detail: `the ${purpose} key is ${key.asymmetricKeyType ?? 'of no type'}, not Ed25519` });
    return key;
  };
  return { decision: load('decision'), log: load('log'), capability: load('capability'), token: load('token') };
}

export function signerOf(keys: KeyFiles, purpose: KeyPurpose): Signer {
  return ed25519Signer(keys[purpose]);
}

import { readFileSync } from 'node:fs';
import { Problem } from '@govctl/core/api';
import { configDigest, type GovdConfig, reloadOf, validateConfig } from '@govctl/core/config';
import type { Facts } from '@govctl/core/decision';
import { enrolPublicKey, rawPublicKey } from '@govctl/core/evidence';
import { withSecretPaths } from '../state/index.ts';

/** The configuration as it is now: a reload replaces it whole, or not at all. */
export type LiveConfig = {
  readonly config: GovdConfig;
  readonly digest: string;
  readonly signer_keys: Facts['signer_keys'];
  /**
   * Reads the file again. `changed` says whether anything a decision depends on did; `needs_restart` names what the file says and
   * this process cannot do yet. @throws Problem, and keeps the old one.
   */
  reload(): { readonly changed: boolean; readonly previous: string; readonly needs_restart: readonly string[] };
};

/** The release every fact and record names: as configured, else the version of this program. */
export function serviceReleaseId(config: GovdConfig, version: string): string {
  return config.service_release_id ?? `govd-${version}`;
}

type Loaded = { readonly config: GovdConfig; readonly digest: string; readonly signer_keys: Facts['signer_keys'] };

/** @throws Problem `usage` with every error of the file, each with its line. */
export function loadConfig(path: string): LiveConfig {
  let current = read(path);
  return {
    get config() {
      return current.config;
    },
    get digest() {
      return current.digest;
    },
    get signer_keys() {
      return current.signer_keys;
    },
    reload() {
      const previous = current.digest;
      const next = read(path);
      if (next.config.environment !== current.config.environment || next.config.log.origin !== current.config.log.origin) {
        throw new Problem('usage', {
          detail: 'environment and log.origin cannot change while govd runs',
          hint: 'stop govd first; a log keeps its origin for ever',
        });
      }
      const { config, needs_restart } = reloadOf(current.config, next.config);
      current = { ...next, config, digest: configDigest(config) };
      return { changed: current.digest !== previous, previous, needs_restart };
    },
  };
}

function read(path: string): Loaded {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new Problem('usage', {
      detail: `the configuration ${path} cannot be read: ${(cause as Error).message}`,
      hint: 'govd init --state-dir D makes one',
      cause,
    });
  }
  const validated = validateConfig(text);
  if (!validated.ok || validated.value.kind !== 'GovdConfig') {
    const problems = validated.ok ? [] : validated.problems;
    throw new Problem('usage', {
      detail: `the configuration ${path} is not valid`,
      hint: `govctl config validate ${path}`,
      reasons: problems.map((problem) => ({ path: `${problem.path} (line ${problem.line})`, message: problem.message })),
    });
  }
  const config = withSecretPaths(validated.value.config, process.env.CREDENTIALS_DIRECTORY);
  return { config, digest: configDigest(config), signer_keys: config.signers.map(enrolled) };
}

/** A weak key would let anybody sign for its owner: it is refused where it enters. */
function enrolled(signer: GovdConfig['signers'][number]): Facts['signer_keys'][number] {
  try {
    enrolPublicKey(rawPublicKey(Buffer.from(signer.public_key, 'base64')));
  } catch (cause) {
    throw new Problem('usage', {
      detail: `the key of signer ${signer.key_id} is refused: ${(cause as Error).message}`,
      hint: 'enrol an Ed25519 key made by a current tool',
      cause,
    });
  }
  const { key_id, role, public_key, valid_from, valid_until, revoked_at } = signer;
  return { key_id, role, public_key, valid_from, valid_until, revoked_at };
}

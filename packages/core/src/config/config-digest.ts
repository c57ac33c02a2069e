import { jcsDigest } from '../evidence/jcs.ts';
import type { GovdConfig } from './govd-config.ts';

/**
 * Digest of the configuration that decisions depend on: what a run records and a caller may expect. Where the daemon listens,
 * how it logs and how it stops change nothing about a decision, and are left out.
 */
export function configDigest(config: GovdConfig): string {
  const { environment, service_release_id, log, authentication, signers, evidence } = config;
  return jcsDigest({
    environment,
    ...(service_release_id === undefined ? {} : { service_release_id }),
    log: { origin: log.origin },
    authentication,
    signers,
    evidence,
  });
}

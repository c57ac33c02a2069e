import type { CapabilityKey, CapabilityRefusal } from '@govctl/core/evidence';
import type { Logger } from 'pino';
import type { Database } from '../db/index.ts';
import type { Authority } from '../identity/authority.ts';
import type { Journal } from '../journal/index.ts';
import type { DenialLimit } from './denial-limit.ts';
import type { CheckpointOf } from './evidence-bytes.ts';

/** What became of a request for evidence; bounded, for a metric. */
export type AccessOutcome =
  | 'resolved'
  | 'denied'
  | 'served'
  | 'resumed'
  | 'head'
  | 'broken'
  | 'unrecorded'
  | 'wrong-holder'
  | 'revoked'
  | 'gate-closed'
  | 'erased'
  | 'digest-differs'
  | 'replayed'
  | 'resumed-too-often'
  | 'looked-too-often'
  | CapabilityRefusal;

export type AccessDependencies = {
  readonly database: Database;
  readonly journal: Journal;
  readonly checkpointOf: CheckpointOf;
  /** What an actor may do now, whatever it could do when it asked. */
  readonly authority: Authority;
  readonly capability: {
    readonly signer: CapabilityKey;
    /** Two while they rotate. */
    readonly verifiers: readonly CapabilityKey[];
    readonly issuer: string;
    /** Where the URLs point: scheme and host, no slash at the end. */
    readonly public_url: () => string;
    /** Whether where the URLs point asks for client certificates: nobody could open a URL that is bound to one otherwise. */
    readonly bindable: boolean;
    /** Seconds. */
    readonly ttl: () => number;
  };
  readonly denials: DenialLimit;
  readonly deployment: { readonly environment: string; readonly service_release_id: string };
  readonly randomHex: (bytes: number) => string;
  readonly now: () => string;
  readonly logger: Logger;
  readonly counted: (outcome: AccessOutcome) => void;
};

/** The deployment and environment a capability is for; one of another is none. */
export function audienceOf({ capability, deployment }: AccessDependencies): string {
  return `${capability.public_url()}/${deployment.environment}`;
}

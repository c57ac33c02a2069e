import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configDigest, type GovdConfig, reloadOf, validateConfig } from './index.ts';

const minimal = 'apiVersion: govctl/v1\nkind: GovdConfig\nenvironment: local_parity\nlog: { origin: test/log }\n';

function govd(extra = ''): GovdConfig {
  const result = validateConfig(minimal + extra);
  if (!result.ok || result.value.kind !== 'GovdConfig') throw new Error(JSON.stringify(result));
  return result.value.config;
}

const signer = "signers: [{ key_id: k, role: r, public_key: AAAA, valid_from: '2026-01-01T00:00:00Z' }]\n";
/** Each with what stays until a restart. */
const changes = [
  [signer, []],
  ['evidence: { capability_ttl: 30s }\n', []],
  ['logging: { level: debug }\n', []],
  ['shutdown: { drain: 1s }\n', []],
  ['service_release_id: r2\n', ['service_release_id']],
  ['secrets: { provider: systemd }\n', ['secrets.provider']],
  ['listeners: { operator: { mode: "0660" }, admin: { socket: /run/a } }\n', ['listeners.admin', 'listeners.operator.mode']],
  ['listeners: { fetch: { port: 0 } }\n', ['listeners.fetch']],
  ['store: { postgres: { host: h, database: d, user: u } }\n', ['store.postgres']],
  ['evidence: { public_url: "https://e" }\n', ['evidence.public_url']],
] as const;

describe('a reload', () => {
  it.each(changes)('of %j changes what can change and names the rest', (extra, stays) => {
    const next = govd(extra);
    const { config, needs_restart } = reloadOf(govd(), next);
    expect([...needs_restart].sort()).toEqual(stays);
    expect(config).toEqual(stays.length === 0 ? next : govd());
  });

  it('applies one part and names the other, and the digest is that of what counts', () => {
    const both = govd('evidence: { capability_ttl: 30s, public_url: "https://e" }\n');
    const { config, needs_restart } = reloadOf(govd(), both);
    expect(needs_restart).toEqual(['evidence.public_url']);
    expect(configDigest(config)).toBe(configDigest(govd('evidence: { capability_ttl: 30s }\n')));
  });

  it('to any configuration and back leaves the first one, and an unchanged file changes nothing', () => {
    const some = fc.constantFrom(...changes.map(([extra]) => govd(extra)), govd());
    fc.assert(
      fc.property(some, some, (first, second) => {
        expect(reloadOf(first, first)).toEqual({ config: first, needs_restart: [] });
        expect(reloadOf(reloadOf(first, second).config, first)).toEqual({ config: first, needs_restart: [] });
      }),
    );
  });
});

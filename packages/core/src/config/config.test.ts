import { describe, expect, it } from 'vitest';
import { configDigest, effectiveSettings, type GovdConfig, validateConfig } from './index.ts';

const minimal = `apiVersion: govctl/v1
kind: GovdConfig
environment: local_parity
log:
  origin: test/log
`;

function govd(text: string): GovdConfig {
  const result = validateConfig(text);
  if (!result.ok || result.value.kind !== 'GovdConfig') throw new Error(JSON.stringify(result));
  return result.value.config;
}

function problems(text: string): string[] {
  const result = validateConfig(text);
  return result.ok ? [] : result.problems.map(({ path, line, message }) => `${line} ${path}: ${message}`);
}

describe('a configuration', () => {
  it('is complete with its defaults', () => {
    expect(govd(minimal)).toMatchObject({
      listeners: { operator: { mode: '0600' } },
      authentication: { mode: 'api-key' },
      signers: [],
      evidence: { capability_ttl: '60s' },
      logging: { level: 'info' },
      shutdown: { drain: '20s' },
    });
  });

  it('tells everything that is wrong at once, in the order of its lines', () => {
    const found = problems(`apiVersion: govctl/v2
kind: GovdConfig
environment: production
log:
  origin: "a b"
  colour: red
listeners:
  operator:
    mode: "0666"
typo: 1
`);
    expect(found.map((line) => line.split(':')[0])).toEqual([
      '1 apiVersion',
      '3 environment',
      '5 log.origin',
      '6 log.colour',
      '9 listeners.operator.mode',
      '10 typo',
    ]);
  });

  it('evidence leaves the machine over TLS only, by a name that is said', () => {
    const issues = (fetch: string, more = '') => problems(`${minimal}listeners: { fetch: { port: 1, ${fetch} } }\n${more}`);
    const tls = 'tls: { cert_file: c, key_file: k }';
    const named = 'evidence: { public_url: "https://evidence.example" }\n';
    expect(issues('host: 127.0.0.2')).toEqual([]);
    expect(issues('host: "::1"')).toEqual([]);
    expect(issues(tls)).toEqual([]);
    expect(issues(`host: 0.0.0.0, ${tls}`, named)).toEqual([]);
    expect(issues(`host: 0.0.0.0, ${tls}`)).toEqual([expect.stringContaining('public_url')]);
    expect(issues('host: 10.0.0.1', named)).toEqual([expect.stringContaining('over TLS only')]);
    expect(issues('host: localhost')).not.toEqual([]);
    expect(issues('tls: { cert_file: c }')).not.toEqual([]);
  });

  it.each([
    ['dev', 'local_parity'],
    ['prod', 'local_parity'],
  ])('%s with static API keys is refused, and why is said', (environment) => {
    const [found] = problems(minimal.replace('local_parity', environment));
    expect(found).toContain('3 environment');
    expect(found).toContain('API keys');
  });

  it('refuses a socket that others may write to, in every notation', () => {
    const withMode = (mode: string) => problems(`${minimal}listeners: {operator: {mode: ${mode}}}\n`);
    for (const mode of ["'0600'", "'0660'", "'0640'", "'0664'"]) expect(withMode(mode), mode).toEqual([]);
    for (const mode of ["'0602'", "'0666'", "'0777'", "'600'", '0600', "'0688'"]) expect(withMode(mode), mode).toHaveLength(1);
  });

  it('refuses two signers of one name', () => {
    const signer = '{key_id: k, role: r, public_key: AAAA, valid_from: 2026-01-01T00:00:00Z}';
    expect(problems(`${minimal}signers:\n  - ${signer}\n`)).toEqual([]);
    expect(problems(`${minimal}signers:\n  - ${signer}\n  - ${signer}\n`)).toEqual([expect.stringContaining('8 signers[1].key_id')]);
  });

  it('is data: broken YAML, repeated names, aliases and unknown kinds are told with their line', () => {
    expect(problems('a: [1\nb: 2')[0]).toMatch(/^\d/);
    expect(problems(`${minimal}environment: dev\n`)[0]).toMatch(/^6 /);
    expect(problems(minimal.replace('origin: test/log', 'origin: &a test/log\n  second_place: *a'))).toHaveLength(1);
    expect(problems('apiVersion: govctl/v1\nkind: Contract\n')).toEqual([
      expect.stringContaining('2 kind: kind must be GovdConfig or CliConfig'),
    ]);
    expect(problems('')).toHaveLength(1);
    expect(problems('just text')).toHaveLength(1);
    expect(problems('- 1')).toHaveLength(1);
  });

  it('of the CLI needs exactly one way to each daemon', () => {
    const cli = (context: string) => problems(`apiVersion: govctl/v1\nkind: CliConfig\ncontexts:\n  a: ${context}\n`);
    expect(cli('{socket: s}')).toEqual([]);
    expect(cli('{url: "https://h:1", tls: {cert_file: c, key_file: k}}')).toEqual([]);
    for (const context of [
      '{}',
      '{socket: s, url: "https://h"}',
      '{url: "http://h"}',
      '{socket: s, tls: {ca_file: c}}',
      '{url: "https://h", tls: {cert_file: c}}',
      '{socket: s, extra: 1}',
    ]) {
      expect(cli(context), context).toHaveLength(1);
    }
  });
});

describe('effective settings', () => {
  it('come from a line of the file or from a default', () => {
    const text = `${minimal}evidence: {capability_ttl: 30s}\n`;
    const settings = effectiveSettings(text, govd(text));
    const of = (path: string) => settings.find((setting) => setting.path === path);
    expect(of('log.origin')).toEqual({ path: 'log.origin', value: 'test/log', origin: 'file', line: 5 });
    expect(of('evidence.capability_ttl')).toMatchObject({ value: '30s', origin: 'file', line: 6 });
    expect(of('logging.level')).toEqual({ path: 'logging.level', value: 'info', origin: 'default', line: null });
  });
});

describe('the configuration digest', () => {
  const digest = (extra = '', text = minimal) => configDigest(govd(text + extra));

  it('depends on what decisions depend on', () => {
    expect(digest("signers: [{key_id: k, role: r, public_key: AAAA, valid_from: '2026-01-01T00:00:00Z'}]\n")).not.toBe(digest());
    expect(digest('evidence: {capability_ttl: 30s}\n')).not.toBe(digest());
    expect(digest('', minimal.replace('test/log', 'other/log'))).not.toBe(digest());
  });

  it('and on nothing else: neither order, nor spelled-out defaults, nor where the daemon listens and logs', () => {
    expect(digest('evidence: {capability_ttl: 60s}\n')).toBe(digest());
    expect(digest('listeners: {operator: {socket: /run/x}}\nlogging: {level: debug}\nshutdown: {drain: 1s}\n')).toBe(digest());
    expect(digest('', minimal.split('\n').reverse().join('\n').replace('  origin: test/log\nlog:', 'log:\n  origin: test/log'))).toBe(
      digest(),
    );
  });
});

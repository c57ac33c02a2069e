import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { govern } from './orders.ts';

/** The daemon and its supervisor: signals, reload, readiness. */
describe('govd', () => {
  let at: Deployment;
  beforeEach(async () => {
    at = await deploy();
  });
  afterEach(async () => await at.remove());

  async function logged(text: string): Promise<string> {
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const log = await at.log();
      if (log.includes(text)) return log;
      await sleep(50);
    }
    throw new Error(`never logged: ${text}\n${await at.log()}`);
  }

  it('drains on SIGTERM, ends 0, and starts again on the same state', async () => {
    await at.start();
    await govern(at);
    expect(await at.stop('SIGTERM')).toBe(0);
    expect(await at.log()).toContain('stopped');
    const away = await at.govctl(['status']);
    expect(away.code).toBe(5);
    expect(away.stderr).toContain('fix:');
    await at.start();
    expect(await at.json<{ policy_rev: string }>(['policy', 'show'])).toMatchObject({ policy_rev: expect.stringMatching(/^sha256:/) });
  });

  /** A request whose body is not through yet; `finish` sends the rest and answers what came back. */
  async function begun() {
    const key = (await readFile(join(at.state, 'keys', 'operator.apikey'), 'utf8')).trim();
    const body = JSON.stringify({ actor_id: 'HUMAN::ada', grants: [{ actions: ['*'], tenants: ['*'], datasets: ['*'] }] });
    const socket = connect(at.socket);
    const answer = text(socket).catch(() => '');
    socket.write(
      `POST /v1/keys/api HTTP/1.1\r\nhost: govd\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 20)}`,
    );
    await sleep(300);
    return {
      async finish() {
        socket.write(body.slice(20));
        return await answer;
      },
    };
  }

  it('answers what is under way before it ends, and gives its leases back', async () => {
    await at.start();
    await govern(at);
    const held = () =>
      at.rows<{ lease_name: string }>('govd', `SELECT lease_name FROM lease WHERE expires_at > '${new Date().toISOString()}'`);
    // The events of what was just done get their positions under a lease of ten seconds.
    for (let attempt = 0; attempt < 100 && (await held()).length === 0; attempt += 1) await sleep(50);
    expect(await held()).not.toEqual([]);
    const request = await begun();
    const stopped = at.stop('SIGTERM');
    await logged('draining');
    expect(await request.finish()).toMatch(/^HTTP\/1\.1 201 /);
    expect(await stopped).toBe(0);
    expect(await held()).toEqual([]);
  });

  it('leaves at once on a second signal, and starts again on the same state', async () => {
    const child = await at.start();
    await begun();
    const stopped = at.stop('SIGTERM');
    await logged('draining');
    child.kill('SIGTERM');
    expect(await stopped).toBe(1);
    await at.start();
    await at.json(['log', 'verify']);
  });

  it('reads the configuration again on SIGHUP, whole or not at all, and records what decisions depend on', async () => {
    const child = await at.start();
    const path = join(at.state, 'govd.yaml');
    const before = await readFile(path, 'utf8');
    const recorded = async () => (await at.json<{ items: { fact?: string; kind: string }[] }>(['evidence', 'ls'])).items.length;
    const records = await recorded();

    await writeFile(path, `${before}loging: { level: debug }\n`);
    child.kill('SIGHUP');
    expect(await logged('the old one stays')).toContain('loging');
    expect(await recorded()).toBe(records);

    await writeFile(path, `${before}logging: { level: debug }\n`);
    child.kill('SIGHUP');
    await logged('configuration read again');
    expect(await recorded()).toBe(records);

    await writeFile(path, `${before}evidence: { capability_ttl: 30s }\n`);
    child.kill('SIGHUP');
    await logged('"changed":true');
    expect(await recorded()).toBe(records + 1);

    // What the daemon was put together with stays, is named, and is not claimed by the digest.
    await writeFile(path, `${before}evidence: { capability_ttl: 30s }\nservice_release_id: other\n`);
    child.kill('SIGHUP');
    expect(await logged('"needs_restart":["service_release_id"]')).toMatch(/"changed":false,"needs_restart":\["service_release_id"\]/);
    expect(await recorded()).toBe(records + 1);
    await at.json(['log', 'verify']);
  });

  it('answers health, readiness, version and metrics to whoever supervises it, without a key', async () => {
    await at.start();
    await govern(at);
    for (const [path, text] of [
      ['/healthz', 'ok'],
      ['/readyz', '"ready":true'],
      ['/version', '"api":{"min":1,"max":1}'],
      ['/metrics', 'govd_evidence_records_total'],
    ] as const) {
      const answer = await at.http('GET', path);
      expect(answer.status).toBe(200);
      expect(answer.body).toContain(text);
    }
    const openapi = JSON.parse((await at.http('GET', '/v1/openapi.json')).body) as { openapi: string; paths: Record<string, unknown> };
    expect(openapi.openapi).toBe('3.1.0');
    expect(Object.keys(openapi.paths)).toContain('/v1/promotions/{run_id}/rollback');
  });

  it('tells the handoff as it is at the first scrape, and counts each decision it recorded', async () => {
    await at.start();
    await govern(at);
    const metric = async (name: string) => (await at.http('GET', '/metrics')).body.split('\n').find((line) => line.startsWith(name));
    const first = (await at.http('GET', '/metrics')).body.split('\n');
    const figure = (name: string) =>
      Number(
        first
          .find((line) => line.startsWith(name))
          ?.split(' ')
          .at(-1),
      );
    expect(figure('handoff_cursor_heartbeat ')).toBeGreaterThan(1_700_000_000);
    expect(figure('handoff_coverage_ok ')).toBe(1);
    expect(figure('handoff_pending_events{')).toBe(0);

    expect(await metric('govd_decisions_total{')).toBeUndefined();
    const request = ['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', 'none', '--run-id', 'counted'];
    expect((await at.govctl([...request, '--dry-run'])).code).toBe(3);
    expect(await metric('govd_decisions_total{')).toBeUndefined();
    expect((await at.govctl(request)).code).toBe(3);
    // A retry is answered from what is stored: it is not another decision.
    expect((await at.govctl(request)).code).toBe(3);
    expect(await metric('govd_decisions_total{')).toBe('govd_decisions_total{decision="deny"} 1');
  });

  it('applies migrations on a stopped daemon only', async () => {
    await at.start();
    const { runToEnd } = await import('./harness.ts');
    const migrate = () => runToEnd('govd', ['migrate', '--state-dir', at.state], process.env);
    expect(await migrate()).toMatchObject({ code: 75 });
    await at.stop();
    expect(await migrate()).toMatchObject({ code: 0, stdout: expect.stringContaining('already so') });
  });
});

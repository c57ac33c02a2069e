import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { problemSchema, type Route, routeList } from '@govctl/core/api';
import { Pool } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { fakeStreams } from '../../packages/cli/src/command.fixture.ts';
import { program } from '../../packages/cli/src/program.ts';
import { runProgram } from '../../packages/cli/src/run.ts';
import { inDatabase, type Scene, scene } from './scene.ts';
import { sendRaw } from './wire.ts';

const vectors = process.env.GOVCTL_VECTORS ?? join(import.meta.dirname, '../../../shared/vectors');
const missing = !existsSync(vectors);
if (missing && process.env.CI !== undefined) throw new Error(`the test vectors are not at ${vectors}; set GOVCTL_VECTORS`);

const routes = Object.entries(routeList as Readonly<Record<string, Route>>);
/** Documented to say no with 503: what is not ready. */
const mayBeUnavailable = new Set(['system.ready']);

let on: Scene;
let daemon: ChildProcess;
let pool: Pool;
let authorization = '';
beforeAll(async () => {
  on = await scene();
  await on.at.stop();
  daemon = await on.at.start();
  authorization = `Bearer ${readFileSync(join(on.at.state, 'keys', 'operator.apikey'), 'utf8').trim()}`;
  // Who waits longer than this for an answer to nonsense, hangs.
  pool = new Pool('http://govd', { socketPath: on.at.socket, connections: 8, headersTimeout: 60_000, bodyTimeout: 60_000 });
});
afterAll(async () => {
  await pool?.destroy();
  await on?.remove();
});

/** How much is on record, and stored: nonsense leaves both as they are. */
const recorded = () =>
  inDatabase(on.at, 'govd.db', (database) =>
    ['record', 'run', 'snapshot', 'contract', 'policy_pack', 'api_key', 'quality_import', 'outbox'].map((table) =>
      database.prepare(`SELECT '${table}', count(*) FROM ${table}`).raw().get(),
    ),
  );

type Sent = { readonly method: Route['method']; readonly path: string; readonly body?: string | Uint8Array; readonly type?: string };

/** What is wrong with the answer, or undefined. */
async function faultOf(route: Route, name: string, { method, path, body, type }: Sent): Promise<string | undefined> {
  const answer = await pool.request({
    method,
    path,
    headers: { authorization, ...(type === undefined ? {} : { 'content-type': type }) },
    body: body ?? null,
  });
  const { statusCode: status, headers } = answer;
  if (route.stream !== undefined && status === 200) {
    // Streams without end are not read.
    answer.body.destroy();
    answer.body.on('error', () => undefined);
    return undefined;
  }
  const text = await answer.body.text();
  const said = `${name} ${method} ${path.slice(0, 120)} -> ${status}: ${text.slice(0, 200)}`;
  if (status >= 500 && !(status === 503 && mayBeUnavailable.has(name))) return said;
  if (status < 400 || method === 'HEAD' || mayBeUnavailable.has(name)) return undefined;
  const isProblem = String(headers['content-type']).startsWith('application/problem+json');
  return isProblem && problemSchema.safeParse(JSON.parse(text)).success ? undefined : `no problem document: ${said}`;
}

const pathOf = (route: Route, value: string) => route.path.replace(/:[a-z_]+|\*/g, encodeURIComponent(value));
const namesOf = (schema: z.ZodType | undefined) => Object.keys((schema as { shape?: object } | undefined)?.shape ?? {});

describe.skipIf(missing)(`nonsense on every route${missing ? ` (SKIPPED: no vectors at ${vectors})` : ''}`, () => {
  it('naughty strings in every part of a path and a query are the caller’s fault', async () => {
    const all = JSON.parse(readFileSync(join(vectors, 'blns', 'blns.json'), 'utf8')) as string[];
    expect(all.length).toBeGreaterThan(500);
    // Every fifth, another fifth for each route: each string meets many routes, and each route a hundred strings.
    const before = recorded();
    for (const [at, [name, route]] of routes.entries()) {
      if (route.method === 'POST' || route.method === 'PUT') continue;
      const strings = all.filter((_, index) => index % 5 === at % 5);
      const queries = namesOf(route.query);
      const faults = await Promise.all(
        strings.flatMap((text) => [
          ...(/[:*]/.test(route.path) ? [faultOf(route, name, { method: route.method, path: pathOf(route, text) })] : []),
          faultOf(route, name, {
            method: route.method,
            path: `${pathOf(route, 'none')}?${new URLSearchParams((queries.length === 0 ? [text] : queries).map((query): [string, string] => [query.toWellFormed(), text.toWellFormed()]))}`,
          }),
        ]),
      );
      expect([name, faults.filter((fault) => fault !== undefined)]).toEqual([name, []]);
    }
    expect(recorded()).toEqual(before);
  });

  it('bodies of the wrong type, shape, depth, encoding or number are, too', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    const bodies: [string | Uint8Array, string][] = [
      ['{}', 'text/plain'],
      ['<a/>', 'application/xml'],
      // Not {}: that is all some routes need, and a charset means nothing for JSON.
      ['{"no":1}', 'application/json; charset=utf-16'],
      ['a=b', 'application/x-www-form-urlencoded'],
      ['--x', 'multipart/form-data; boundary=x'],
      [deep, 'application/json'],
      [`{"a":${'9'.repeat(5000)}}`, 'application/json'],
      ['{"a":1,"a":2}', 'application/json'],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'application/json'],
      [JSON.stringify({ a: 'x'.repeat(900_000) }), 'application/json'],
      ['[null]', 'application/json'],
      ['"text"', 'application/json'],
    ];
    const before = recorded();
    for (const [name, route] of routes) {
      if (route.method !== 'POST' && route.method !== 'PUT') continue;
      const { method } = route;
      const faults = await Promise.all(
        bodies.map(([body, type]) => faultOf(route, name, { method, path: pathOf(route, 'none'), body, type })),
      );
      expect([name, faults.filter((fault) => fault !== undefined)]).toEqual([name, []]);
      if (route.raw === true) continue;
      // Refused by its length: nobody waits for a body that nobody will read.
      const head = `${method} ${pathOf(route, 'none')} HTTP/1.1\r\nhost: govd\r\nauthorization: ${authorization}\r\ncontent-type: application/json\r\n`;
      expect([name, (await sendRaw(on.at.socket, `${head}content-length: ${1024 ** 4}\r\n\r\n`)).status]).toEqual([name, 413]);
    }
    expect(recorded()).toEqual(before);
    expect([daemon.exitCode, daemon.signalCode]).toEqual([null, null]);
    expect(await on.at.log()).not.toMatch(/"level":(50|60)/);
  });
});

/** Every command that reads a file somebody else may have made. */
const imports: readonly (readonly [name: string, argv: (file: string) => readonly string[]])[] = [
  ['quality import dbt', (file) => ['quality', 'import', 'dbt', file, '--snapshot', on.datasets[0]?.snapshot_id ?? '']],
  ['quality import junit', (file) => ['quality', 'import', 'junit', file, '--snapshot', on.datasets[0]?.snapshot_id ?? '']],
  ['handoff import', (file) => ['handoff', 'import', file]],
  ['contract apply', (file) => ['contract', 'apply', '-f', file]],
  ['policy activate', (file) => ['policy', 'activate', file]],
  ['policy lint', (file) => ['policy', 'lint', file]],
  [
    'promote --evidence',
    (file) => [
      'promote',
      'orders-0',
      '--from',
      'RAW',
      '--to',
      'GDP',
      '--snapshot',
      on.datasets[0]?.snapshot_id ?? '',
      '--evidence',
      file,
      '--dry-run=server',
    ],
  ],
  ['promote --facts', (file) => ['promote', 'orders-0', '--dry-run=offline', '--facts', file]],
  ['evidence verify', (file) => ['evidence', 'verify', file, '--trust', join(on.at.state, 'trust.json')]],
  ['evidence verify --trust', (file) => ['evidence', 'verify', file, '--trust', file]],
  ['decision replay', (file) => ['decision', 'replay', file]],
  ['log prove --since', (file) => ['log', 'prove', '--since', file]],
  ['log verify --trust', (file) => ['log', 'verify', '--trust', file]],
  ['backup inspect', (file) => ['backup', 'inspect', file]],
  ['config validate', (file) => ['config', 'validate', file]],
  ['--config', (file) => ['status', '--config', file]],
];

describe.skipIf(missing)('nonsense in every file that a command reads', () => {
  let files: { readonly name: string; readonly path: string }[];
  beforeAll(() => {
    const folder = join(on.at.folder, 'hostile');
    mkdirSync(join(folder, 'folder'), { recursive: true });
    const made: [string, string | Uint8Array][] = [
      ['empty', ''],
      ['nul', Buffer.alloc(5000)],
      ['not-utf8', Buffer.from([0x22, 0xff, 0xfe, 0x22])],
      ['utf16', Buffer.from('\ufeff{"a":1}', 'utf16le')],
      ['deep', '['.repeat(100_000)],
      ['deep-yaml', `${'{a: '.repeat(5000)}`],
      [
        'aliases',
        `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
          .split('')
          .map((name, at) => `${name}: &${name} [${`*${'abcdefghi'[at]},`.repeat(9)}]`)
          .join('\n')}`,
      ],
      ['proto', '{"__proto__":{"a":1}}'],
      ['number', '{"a":1e999,"b":12345678901234567890}'],
      ['twice', '{"a":1,"a":2}'],
      ['bomb', gzipSync(Buffer.alloc(30_000_000))],
      ['half-gzip', gzipSync('{"a":1}').subarray(0, 12)],
      ['tags', '!!js/function "function(){}"'],
      ['entity', '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuites name="&a;"/>'],
      ['long-line', `{"a":"${'x'.repeat(2_000_000)}"}`],
    ];
    for (const [name, bytes] of made) writeFileSync(join(folder, name), bytes);
    files = [
      ...made.map(([name]) => ({ name, path: join(folder, name) })),
      { name: 'a folder', path: join(folder, 'folder') },
      { name: 'nothing', path: join(folder, 'none') },
      // Broken JSON, every twelfth.
      ...readdirSync(join(vectors, 'json'))
        .filter((name, at) => name.startsWith('n_') && at % 12 === 0)
        .map((name) => ({ name, path: join(vectors, 'json', name) })),
    ];
    expect(files.length).toBeGreaterThan(25);
  });

  it.each(imports)('%s refuses it with 2 or 20, in words, and nothing is recorded', async (_name, argv) => {
    const before = recorded();
    const env = { GOVCTL_CONFIG: join(on.at.state, 'govctl.yaml'), PATH: process.env.PATH };
    const wrong: string[] = [];
    for (const { name, path } of files) {
      const { streams, stderr, stdout } = fakeStreams();
      const code = await runProgram(program, argv(path), {
        streams,
        env,
        cwd: on.at.folder,
        signal: new AbortController().signal,
        now: () => new Date(),
      });
      const said = stdout() + stderr();
      // An import of nothing is done.
      const nothing = code === 0 && argv(path)[0] === 'handoff' && /empty|space/.test(name);
      if ((code !== 2 && code !== 20 && !nothing) || /\n\s+at .+:\d+|\[object |root:x:/.test(said))
        wrong.push(`${name} -> ${code}: ${said.slice(0, 300)}`);
    }
    expect(wrong).toEqual([]);
    expect(recorded()).toEqual(before);
  });
});

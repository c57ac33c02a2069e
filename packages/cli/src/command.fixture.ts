import { PassThrough, Readable } from 'node:stream';
import type { RouteInput, RouteList, RouteName, RouteResponse } from '@govctl/core/api';
import type { Client } from './client/client.ts';
import type { CommandContext } from './command.ts';
import type { Target } from './context/target.ts';
import { createIo, type IoSettings } from './io/io.ts';
import type { Sink, Streams } from './io/stream.ts';
import type { Document } from './output/result.ts';

export type Captured = { readonly streams: Streams; stdout(): string; stderr(): string };

export type FakeStreamOptions = { readonly stdin?: string; readonly terminal?: boolean };

/** A document of any kind, for tests of what is done with documents. */
export function anyDocument(kind: string, fields: Readonly<Record<string, unknown>>): Document {
  return { schemaVersion: 'govctl/v1', kind, ...fields };
}

/** The three streams, kept in memory. */
export function fakeStreams(options: FakeStreamOptions = {}): Captured {
  const sink = (): Sink & { text(): string } => {
    const chunks: string[] = [];
    const raw = Object.assign(new PassThrough(), { isTTY: options.terminal === true, columns: 80 });
    raw.on('data', (chunk: Buffer) => chunks.push(chunk.toString('utf8')));
    return {
      isTerminal: options.terminal === true,
      columns: 80,
      raw: raw as unknown as NodeJS.WriteStream,
      write: async (chunk) => {
        chunks.push(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
      },
      text: () => chunks.join(''),
    };
  };
  const stdout = sink();
  const stderr = sink();
  return {
    streams: {
      stdin: { isTerminal: options.terminal === true, stream: Readable.from([Buffer.from(options.stdin ?? '')]) },
      stdout,
      stderr,
    },
    stdout: () => stdout.text(),
    stderr: () => stderr.text(),
  };
}

/** Answers for the routes a test expects to be called; any other call fails the test by name. */
export type FakeRoutes = {
  readonly [N in RouteName]?: (input: RouteInput<RouteList[N]>) => RouteResponse<RouteList[N]> | Promise<RouteResponse<RouteList[N]>>;
};

export type FakeClient = Client & { readonly calls: { readonly name: string; readonly input: unknown }[] };

export function fakeClient(
  routes: FakeRoutes = {},
  parts: Partial<Pick<Client, 'upload' | 'download' | 'events' | 'fetchCapability'>> = {},
): FakeClient {
  const calls: { name: string; input: unknown }[] = [];
  const unexpected = (name: string) => {
    throw new Error(`the test did not expect a call to ${name}`);
  };
  const client = {
    calls,
    call: async (name: RouteName, input: unknown) => {
      calls.push({ name, input });
      const route = routes[name] as ((input: unknown) => unknown) | undefined;
      return route === undefined ? unexpected(name) : route(input);
    },
    upload: unexpected,
    download: unexpected,
    events: unexpected,
    fetchCapability: unexpected,
    close: async () => {},
    ...parts,
  };
  return client as unknown as FakeClient;
}

export const fakeTarget: Target = {
  endpoint: { socket: '/test/govd.sock' },
  context: 'test',
  decided_by: 'context',
  overrides: [],
  config_path: '/test/config.yaml',
  config_exists: true,
  api_key_file: null,
  trust_file: null,
  tls: { ca_file: null, cert_file: null, key_file: null, server_name: null },
  tenant: 'default',
};

export type FakeContextOptions = FakeStreamOptions & {
  readonly client?: Client;
  readonly globals?: Partial<CommandContext['globals']>;
  readonly target?: Target;
  readonly env?: CommandContext['env'];
  readonly cwd?: string;
  readonly now?: Date;
  readonly signal?: AbortSignal;
  readonly settings?: Partial<IoSettings>;
};

/** Everything a command's `run` needs, with nothing behind it: `const { context, stderr } = fakeContext({ client: fakeClient({...}) })`. */
export function fakeContext(options: FakeContextOptions = {}): { readonly context: CommandContext } & Captured {
  const captured = fakeStreams(options);
  const env = options.env ?? {};
  const signal = options.signal ?? new AbortController().signal;
  const globals: CommandContext['globals'] = {
    context: undefined,
    config: undefined,
    socket: undefined,
    output: undefined,
    field: undefined,
    quiet: false,
    noColor: true,
    timeout: undefined,
    yes: false,
    noInput: false,
    ...options.globals,
  };
  const settings: IoSettings = {
    env,
    noColor: globals.noColor,
    quiet: globals.quiet,
    noInput: globals.noInput,
    yes: globals.yes,
    machine: false,
    ...options.settings,
  };
  const context: CommandContext = {
    io: createIo(captured.streams, settings, signal),
    client: options.client ?? fakeClient(),
    globals,
    target: async () => options.target ?? fakeTarget,
    env,
    cwd: options.cwd ?? '/test',
    now: () => options.now ?? new Date('2026-11-21T03:00:00.000Z'),
    program: [],
    signal,
  };
  return { context, ...captured };
}

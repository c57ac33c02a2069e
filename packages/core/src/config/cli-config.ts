import { z } from 'zod';
import { nameSchema } from '../api/common.ts';

const file = z.string().min(1).max(4096);

/** How one daemon is reached, and whose word about its evidence is taken. Relative paths are relative to the configuration file. */
export const cliContextSchema = z
  .strictObject({
    socket: file.optional().describe("govd's unix socket."),
    url: z
      .url({ protocol: /^https$/ })
      .optional()
      .describe('`https://host:port` of a daemon that listens on TCP, instead of a socket.'),
    api_key_file: file.optional().describe('File (0600) that holds the API key.'),
    trust_file: file.optional().describe('The pinned trust root that evidence of this daemon is verified with.'),
    tls: z
      .strictObject({
        ca_file: file.optional().describe("Certificates the daemon's certificate must chain to, instead of the system's."),
        cert_file: file.optional().describe('Client certificate for mutual TLS.'),
        key_file: file.optional().describe('Key of the client certificate.'),
        server_name: z.string().min(1).max(253).optional().describe("Name in the daemon's certificate, where the URL has another."),
      })
      .optional()
      .describe('TLS settings of a `url`.'),
    tenant: nameSchema.optional().describe('Tenant that commands use when they are given none.'),
  })
  .refine((context) => (context.socket === undefined) !== (context.url === undefined), 'needs either socket or url')
  .refine((context) => context.tls === undefined || context.url !== undefined, { path: ['tls'], message: 'only with url' })
  .refine((context) => (context.tls?.cert_file === undefined) === (context.tls?.key_file === undefined), {
    path: ['tls'],
    message: 'cert_file and key_file come together',
  });

/** `~/.config/govctl/config.yaml`, or the file GOVCTL_CONFIG names. Closed: an unknown setting is an error, not a surprise. */
export const cliConfigSchema = z.strictObject({
  apiVersion: z.literal('govctl/v1'),
  kind: z.literal('CliConfig'),
  current_context: nameSchema.optional().describe('Context used when neither flag nor environment names one.'),
  contexts: z.record(nameSchema, cliContextSchema).default({}).describe('The daemons this person works with, by name.'),
});

export type CliContext = z.output<typeof cliContextSchema>;
export type CliConfig = z.output<typeof cliConfigSchema>;

export const emptyCliConfig: CliConfig = { apiVersion: 'govctl/v1', kind: 'CliConfig', contexts: {} };

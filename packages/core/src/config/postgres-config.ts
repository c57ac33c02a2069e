import { z } from 'zod';

const file = z.string().min(1).max(4096);
/** PostgreSQL cuts longer names off. */
const sqlName = z.string().min(1).max(63);
const schemaName = z.string().regex(/^[a-z_][a-z0-9_]{0,62}$/, 'a lower-case name of letters, digits and _, like govctl');

const role = {
  user: sqlName.describe('Role that logs in.'),
  password_file: file.optional().describe('File with its password on one line (0600); none for peer or certificate authentication.'),
};

/** `store.postgres`: one server, two roles. */
export const postgresConfigSchema = z.strictObject({
  host: z.string().min(1).max(255).describe('Name, address, or the folder of a unix socket.'),
  port: z.int().min(1).max(65535).default(5432).describe('Port.'),
  database: sqlName.describe('Database.'),
  schema: schemaName.default('govctl').describe("Schema of govd's own tables."),
  ...role,
  owner: z
    .strictObject(role)
    .optional()
    .describe('Role that owns the tables: used by govd init and govd migrate, never by a running daemon.'),
  tls: z
    .strictObject({
      ca_file: file.optional().describe("Certificates to trust instead of the system's."),
      cert_file: file.optional().describe('Client certificate.'),
      key_file: file.optional().describe('Its key.'),
      server_name: z.string().min(1).max(255).optional().describe('Name the certificate must have; the host when absent.'),
    })
    .optional()
    .describe('TLS, always verified. Absent: none, which is for unix sockets and loopback.'),
  connections: z.int().min(2).max(200).default(8).describe('Connections for reading; a few more are for writing.'),
});

export type PostgresConfig = z.output<typeof postgresConfigSchema>;

const table = (name: string) => ({
  schema: sqlName.default('public').describe('Its schema.'),
  table: sqlName.default(name).describe('Its name.'),
});
const column = (name: string) => sqlName.default(name);
const shared = { object_key: column('object_key'), born_at: column('born_at'), payload: sqlName.optional() };

/** Birth tables that other software owns, and what it calls their columns. */
const attachSchema = z.strictObject({
  birth_registry: z
    .strictObject({
      ...table('birth_registry'),
      columns: z
        .strictObject({ id: column('birth_id'), object_type: column('object_type'), permit_id: sqlName.optional(), ...shared })
        .prefault({})
        .describe('Names of its columns.'),
    })
    .prefault({})
    .describe('What was born.'),
  registry_changelog: z
    .strictObject({
      ...table('registry_changelog'),
      columns: z
        .strictObject({ id: column('id'), change: column('change'), ...shared })
        .prefault({})
        .describe('Names of its columns.'),
    })
    .prefault({})
    .describe('Every change, in the order of ids.'),
});

/** `handoff`: where births are read on PostgreSQL. */
export const handoffConfigSchema = z.strictObject({
  births_schema: schemaName.default('births').describe('Schema of the birth tables that govd makes on PostgreSQL.'),
  attach: attachSchema
    .optional()
    .describe('Birth tables that other software owns, in the same PostgreSQL database: read, never altered. Absent: govd has its own.'),
});

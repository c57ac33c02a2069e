import { parseMigration } from './migration.ts';
import births0001 from './migrations/births/0001_births.sql';
import births0002 from './migrations/births/0002_permit-seal.sql';
import postgres0001 from './migrations/postgres/0001_journal.sql';
import postgres0002 from './migrations/postgres/0002_governance.sql';
import postgres0003 from './migrations/postgres/0003_handoff.sql';
import postgres0004 from './migrations/postgres/0004_handoff-operation.sql';
import postgres0005 from './migrations/postgres/0005_handoff-replay.sql';
import postgres0006 from './migrations/postgres/0006_capability.sql';
import postgres0007 from './migrations/postgres/0007_witness.sql';
import postgres0008 from './migrations/postgres/0008_exceptions.sql';
import postgres0009 from './migrations/postgres/0009_job.sql';
import postgres0010 from './migrations/postgres/0010_control.sql';
import postgres0011 from './migrations/postgres/0011_incident.sql';
import postgres0012 from './migrations/postgres/0012_lane.sql';
import postgres0013 from './migrations/postgres/0013_disposition.sql';
import postgresBirths0001 from './migrations/postgres-births/0001_births.sql';
import postgresBirths0002 from './migrations/postgres-births/0002_permit-seal.sql';
import sqlite0001 from './migrations/sqlite/0001_journal.sql';
import sqlite0002 from './migrations/sqlite/0002_governance.sql';
import sqlite0003 from './migrations/sqlite/0003_handoff.sql';
import sqlite0004 from './migrations/sqlite/0004_handoff-operation.sql';
import sqlite0005 from './migrations/sqlite/0005_handoff-replay.sql';
import sqlite0006 from './migrations/sqlite/0006_capability.sql';
import sqlite0007 from './migrations/sqlite/0007_witness.sql';
import sqlite0008 from './migrations/sqlite/0008_exceptions.sql';
import sqlite0009 from './migrations/sqlite/0009_job.sql';
import sqlite0010 from './migrations/sqlite/0010_control.sql';
import sqlite0011 from './migrations/sqlite/0011_incident.sql';
import sqlite0012 from './migrations/sqlite/0012_lane.sql';
import sqlite0013 from './migrations/sqlite/0013_disposition.sql';

/** govd.db: forward-only, in order. A new one is a file and a line here. */
export const sqliteMigrations = [
  parseMigration('0001_journal.sql', sqlite0001),
  parseMigration('0002_governance.sql', sqlite0002),
  parseMigration('0003_handoff.sql', sqlite0003),
  parseMigration('0004_handoff-operation.sql', sqlite0004),
  parseMigration('0005_handoff-replay.sql', sqlite0005),
  parseMigration('0006_capability.sql', sqlite0006),
  parseMigration('0007_witness.sql', sqlite0007),
  parseMigration('0008_exceptions.sql', sqlite0008),
  parseMigration('0009_job.sql', sqlite0009),
  parseMigration('0010_control.sql', sqlite0010),
  parseMigration('0011_incident.sql', sqlite0011),
  parseMigration('0012_lane.sql', sqlite0012),
  parseMigration('0013_disposition.sql', sqlite0013),
] as const;

/** The same numbers on PostgreSQL, in the schema of govd. */
export const postgresMigrations = [
  parseMigration('0001_journal.sql', postgres0001),
  parseMigration('0002_governance.sql', postgres0002),
  parseMigration('0003_handoff.sql', postgres0003),
  parseMigration('0004_handoff-operation.sql', postgres0004),
  parseMigration('0005_handoff-replay.sql', postgres0005),
  parseMigration('0006_capability.sql', postgres0006),
  parseMigration('0007_witness.sql', postgres0007),
  parseMigration('0008_exceptions.sql', postgres0008),
  parseMigration('0009_job.sql', postgres0009),
  parseMigration('0010_control.sql', postgres0010),
  parseMigration('0011_incident.sql', postgres0011),
  parseMigration('0012_lane.sql', postgres0012),
  parseMigration('0013_disposition.sql', postgres0013),
] as const;

/** births.db, which has a writer of its own. */
export const birthsMigrations = [
  parseMigration('0001_births.sql', births0001),
  parseMigration('0002_permit-seal.sql', births0002),
] as const;

/** Births of a deployment on PostgreSQL that has no birth tables yet, in a schema of their own. */
export const postgresBirthsMigrations = [
  parseMigration('0001_births.sql', postgresBirths0001),
  parseMigration('0002_permit-seal.sql', postgresBirths0002),
] as const;

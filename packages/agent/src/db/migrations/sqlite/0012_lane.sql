-- Lanes: who reads the outbox, how far, and what could not be handled or delivered. Alerts.
-- breaking: false

-- How far each reader came: all up to its position is done, or stands in event_parked.
CREATE TABLE event_lane (
  lane         TEXT NOT NULL CHECK (lane IN ('reactor', 'webhook')),
  consumer     TEXT NOT NULL,              -- name of the endpoint; 'reactor' for the reactor
  position     INTEGER NOT NULL,
  moved_at     TEXT NOT NULL,
  heartbeat_at TEXT,
  PRIMARY KEY (lane, consumer)
) WITHOUT ROWID;

-- Events that failed at a handler or an endpoint, or wait behind such a one of the same subject.
CREATE TABLE event_parked (
  lane            TEXT NOT NULL,
  consumer        TEXT NOT NULL,           -- name of the handler, or of the endpoint
  position        INTEGER NOT NULL,
  event_id        TEXT NOT NULL,
  event_type      TEXT NOT NULL,
  subject         TEXT NOT NULL,
  tenant_id       TEXT NOT NULL,
  dataset_id      TEXT,
  state           TEXT NOT NULL CHECK (state IN ('waiting', 'dead')),
  attempts        INTEGER NOT NULL,
  next_attempt_at TEXT,                    -- null: behind an earlier one of its subject
  parked_at       TEXT NOT NULL,
  last_error      TEXT,
  PRIMARY KEY (lane, consumer, position)
) WITHOUT ROWID;

CREATE INDEX event_parked_waiting ON event_parked (lane, consumer, position) WHERE state = 'waiting';

-- What had an effect, once for ever: a redelivery has none.
CREATE TABLE event_inbox (
  source     TEXT NOT NULL,
  event_id   TEXT NOT NULL,
  consumer   TEXT NOT NULL,
  handled_at TEXT NOT NULL,
  PRIMARY KEY (source, event_id, consumer)
) WITHOUT ROWID;

-- One row a key, bounded a tenant; suppressions are numbers in it.
CREATE TABLE alert (
  tenant_id TEXT NOT NULL,
  alert_key TEXT NOT NULL,
  state     TEXT NOT NULL CHECK (state IN ('firing', 'resolved')),
  busy      INTEGER NOT NULL,              -- 1: something of it is to be sent, or asked again
  body      TEXT NOT NULL,
  PRIMARY KEY (tenant_id, alert_key)
) WITHOUT ROWID;

CREATE INDEX alert_busy ON alert (tenant_id) WHERE busy = 1;

-- What counts for all alerts of a tenant, and the revision that guards each change of any of them.
CREATE TABLE alert_tenant (
  tenant_id TEXT NOT NULL PRIMARY KEY,
  revision  INTEGER NOT NULL,
  body      TEXT NOT NULL
) WITHOUT ROWID;

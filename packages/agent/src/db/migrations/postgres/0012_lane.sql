-- Lanes: who reads the outbox, how far, and what could not be handled or delivered. Alerts.
-- breaking: false

-- How far each reader came: all up to its position is done, or stands in event_parked.
CREATE TABLE event_lane (
  lane         text COLLATE "C" NOT NULL CHECK (lane IN ('reactor', 'webhook')),
  consumer     text COLLATE "C" NOT NULL,              -- name of the endpoint; 'reactor' for the reactor
  position     bigint NOT NULL,
  moved_at     text COLLATE "C" NOT NULL,
  heartbeat_at text COLLATE "C",
  PRIMARY KEY (lane, consumer)
);

-- Events that failed at a handler or an endpoint, or wait behind such a one of the same subject.
CREATE TABLE event_parked (
  lane            text COLLATE "C" NOT NULL,
  consumer        text COLLATE "C" NOT NULL,           -- name of the handler, or of the endpoint
  position        bigint NOT NULL,
  event_id        text COLLATE "C" NOT NULL,
  event_type      text COLLATE "C" NOT NULL,
  subject         text COLLATE "C" NOT NULL,
  tenant_id       text COLLATE "C" NOT NULL,
  dataset_id      text COLLATE "C",
  state           text COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'dead')),
  attempts        bigint NOT NULL,
  next_attempt_at text COLLATE "C",                    -- null: behind an earlier one of its subject
  parked_at       text COLLATE "C" NOT NULL,
  last_error      text COLLATE "C",
  PRIMARY KEY (lane, consumer, position)
);

CREATE INDEX event_parked_waiting ON event_parked (lane, consumer, position) WHERE state = 'waiting';

-- What had an effect, once for ever: a redelivery has none.
CREATE TABLE event_inbox (
  source     text COLLATE "C" NOT NULL,
  event_id   text COLLATE "C" NOT NULL,
  consumer   text COLLATE "C" NOT NULL,
  handled_at text COLLATE "C" NOT NULL,
  PRIMARY KEY (source, event_id, consumer)
);

-- One row a key, bounded a tenant; suppressions are numbers in it.
CREATE TABLE alert (
  tenant_id text COLLATE "C" NOT NULL,
  alert_key text COLLATE "C" NOT NULL,
  state     text COLLATE "C" NOT NULL CHECK (state IN ('firing', 'resolved')),
  busy      bigint NOT NULL,              -- 1: something of it is to be sent, or asked again
  body      text COLLATE "C" NOT NULL,
  PRIMARY KEY (tenant_id, alert_key)
);

CREATE INDEX alert_busy ON alert (tenant_id) WHERE busy = 1;

-- What counts for all alerts of a tenant, and the revision that guards each change of any of them.
CREATE TABLE alert_tenant (
  tenant_id text COLLATE "C" NOT NULL PRIMARY KEY,
  revision  bigint NOT NULL,
  body      text COLLATE "C" NOT NULL
);

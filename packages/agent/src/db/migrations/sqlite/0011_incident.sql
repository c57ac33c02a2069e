-- What went wrong and what reconciliation found: incidents, findings that were told of, acks that were undone, reports.
-- breaking: false

-- Opened by the very unit that ends a run badly; nothing of it changes but that somebody resolves it.
CREATE TABLE incident (
  incident_id    TEXT NOT NULL PRIMARY KEY, -- digest of run and code: found twice it is opened once
  run_id         TEXT,                      -- null: of the deployment itself
  tenant_id      TEXT NOT NULL,
  dataset_id     TEXT,
  kind           TEXT NOT NULL,             -- run | system
  run_status     TEXT,
  error_code     TEXT NOT NULL,
  severity       TEXT NOT NULL,             -- high | medium | low
  reason         TEXT NOT NULL,
  opened_at      TEXT NOT NULL,
  resolved_at    TEXT,
  resolved_by    TEXT,
  resolve_reason TEXT
) WITHOUT ROWID;
CREATE INDEX incident_by_run ON incident (run_id);
CREATE INDEX incident_by_time ON incident (opened_at, incident_id);
CREATE INDEX incident_open ON incident (opened_at, incident_id) WHERE resolved_at IS NULL;

-- What the audit contract of a run lacked, once it was told of: nobody hears of the same thing twice.
CREATE TABLE audit_finding (
  run_id   TEXT NOT NULL,
  class    TEXT NOT NULL,                   -- missing | drift | stale | invalid | failed
  domain   TEXT NOT NULL,
  action   TEXT NOT NULL,
  detail   TEXT NOT NULL,
  found_at TEXT NOT NULL,
  PRIMARY KEY (run_id, class, domain, action)
) WITHOUT ROWID;
CREATE INDEX audit_finding_by_time ON audit_finding (found_at);

-- Acks that stand in no run's own row: what a transaction that was undone would have done. History is added to, never erased.
CREATE TABLE audit_ack (
  ack_id          INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id          TEXT NOT NULL,
  domain          TEXT NOT NULL,
  action          TEXT NOT NULL,
  result_id       TEXT,
  status          TEXT,                     -- ROLLED_BACK
  rollback_reason TEXT,
  metadata        TEXT NOT NULL,            -- JSON object
  at              TEXT NOT NULL
);
CREATE INDEX audit_ack_by_run ON audit_ack (run_id);

-- Reports of the periodic reconciliation; each is an object of this digest.
CREATE TABLE reconcile_report (
  report_id    INTEGER PRIMARY KEY AUTOINCREMENT,
  digest       TEXT NOT NULL,
  as_of        TEXT NOT NULL,
  clean        INTEGER NOT NULL,
  findings     INTEGER NOT NULL,
  by_class     TEXT NOT NULL,               -- JSON object: class -> how many
  checked      TEXT NOT NULL,               -- JSON object: what was compared -> how many
  evidence_ref TEXT NOT NULL
);

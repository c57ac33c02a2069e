-- Tenants that may run nothing.
-- breaking: false

CREATE TABLE tenant_suspension (
  suspension_id TEXT NOT NULL PRIMARY KEY,
  tenant_id     TEXT NOT NULL,
  reason        TEXT NOT NULL,
  suspended_at  TEXT NOT NULL,
  suspended_by  TEXT NOT NULL,
  evidence_ref  TEXT NOT NULL,
  resumed_at    TEXT,
  resumed_by    TEXT,
  resume_reason TEXT
) WITHOUT ROWID;
-- At most one of a tenant is open: it is asked for by every decision.
CREATE UNIQUE INDEX tenant_suspended ON tenant_suspension (tenant_id) WHERE resumed_at IS NULL;
CREATE INDEX tenant_suspension_by_time ON tenant_suspension (suspended_at);

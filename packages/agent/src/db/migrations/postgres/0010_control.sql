-- Tenants that may run nothing.
-- breaking: false

CREATE TABLE tenant_suspension (
  suspension_id text COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id     text COLLATE "C" NOT NULL,
  reason        text COLLATE "C" NOT NULL,
  suspended_at  text COLLATE "C" NOT NULL,
  suspended_by  text COLLATE "C" NOT NULL,
  evidence_ref  text COLLATE "C" NOT NULL,
  resumed_at    text COLLATE "C",
  resumed_by    text COLLATE "C",
  resume_reason text COLLATE "C"
);
-- At most one of a tenant is open: it is asked for by every decision.
CREATE UNIQUE INDEX tenant_suspended ON tenant_suspension (tenant_id) WHERE resumed_at IS NULL;
CREATE INDEX tenant_suspension_by_time ON tenant_suspension (suspended_at);

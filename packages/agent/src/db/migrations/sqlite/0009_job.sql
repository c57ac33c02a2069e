-- Jobs: runs of kind job, the attempts of their steps, and the traces of runs.
-- breaking: false

-- What a job has besides its row in run.
CREATE TABLE job (
  run_id          TEXT NOT NULL PRIMARY KEY,
  tenant_id       TEXT NOT NULL,
  workspace       TEXT NOT NULL,
  job_kind        TEXT NOT NULL,           -- analysis | ofs_build | mf_train
  source          TEXT NOT NULL,           -- the YAML, byte for byte
  job_digest      TEXT NOT NULL,
  actor           TEXT NOT NULL,           -- JSON: who asked
  rerun_of        TEXT,
  host            TEXT,                    -- the state folder whose daemon runs it
  process         TEXT,                    -- and which daemon of it
  stop_asked_at   TEXT,
  stop_asked_by   TEXT,                    -- JSON: who asked for its end
  stop_reason     TEXT,
  manifest_digest TEXT,
  result_ref      TEXT,
  outputs         TEXT NOT NULL DEFAULT '[]' -- JSON array of the snapshots its outputs became
) WITHOUT ROWID;

-- One row an attempt, written before it runs.
CREATE TABLE job_step (
  run_id        TEXT NOT NULL,
  step_index    INTEGER NOT NULL,
  attempt       INTEGER NOT NULL,
  name          TEXT NOT NULL,
  status        TEXT NOT NULL,             -- running | success | skipped | failed
  host          TEXT NOT NULL,
  process       TEXT NOT NULL,
  started_at    TEXT NOT NULL,
  ended_at      TEXT,
  pid           INTEGER,
  pid_start     TEXT,                      -- boot and start time: a pid alone names nobody
  exit_code     INTEGER,
  signal        TEXT,
  output_digest TEXT,                      -- what was kept of its output is an object of this digest
  output_bytes  INTEGER NOT NULL,          -- what it wrote, kept or not
  elapsed_ms    INTEGER NOT NULL,
  cost_units    REAL NOT NULL,
  reason        TEXT,
  takeaway      TEXT,
  next_action   TEXT,
  signals       TEXT NOT NULL,             -- JSON array of {name, digest, count}
  PRIMARY KEY (run_id, step_index, attempt)
) WITHOUT ROWID;

-- Start, steps and end of a run, as its trace tells them.
CREATE TABLE run_trace (
  run_id TEXT NOT NULL,
  seq    INTEGER NOT NULL,
  kind   TEXT NOT NULL,                    -- start | step | end
  at     TEXT NOT NULL,
  body   TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
) WITHOUT ROWID;

-- Promotions that came after a job.
CREATE TABLE job_promotion (
  job_run_id TEXT NOT NULL,
  run_id     TEXT NOT NULL,
  PRIMARY KEY (job_run_id, run_id)
) WITHOUT ROWID;

CREATE INDEX job_by_workspace ON job (tenant_id, workspace);
CREATE INDEX run_open_job ON run (created_at) WHERE kind = 'job' AND phase NOT IN ('COMPLETED', 'FAILED');

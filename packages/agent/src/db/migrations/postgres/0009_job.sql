-- Jobs: runs of kind job, the attempts of their steps, and the traces of runs.
-- breaking: false

-- What a job has besides its row in run.
CREATE TABLE job (
  run_id          text COLLATE "C" NOT NULL PRIMARY KEY,
  tenant_id       text COLLATE "C" NOT NULL,
  workspace       text COLLATE "C" NOT NULL,
  job_kind        text COLLATE "C" NOT NULL,           -- analysis | ofs_build | mf_train
  source          text COLLATE "C" NOT NULL,           -- the YAML, byte for byte
  job_digest      text COLLATE "C" NOT NULL,
  actor           text COLLATE "C" NOT NULL,           -- JSON: who asked
  rerun_of        text COLLATE "C",
  host            text COLLATE "C",                    -- the state folder whose daemon runs it
  process         text COLLATE "C",                    -- and which daemon of it
  stop_asked_at   text COLLATE "C",
  stop_asked_by   text COLLATE "C",                    -- JSON: who asked for its end
  stop_reason     text COLLATE "C",
  manifest_digest text COLLATE "C",
  result_ref      text COLLATE "C",
  outputs         text COLLATE "C" NOT NULL DEFAULT '[]' -- JSON array of the snapshots its outputs became
);

-- One row an attempt, written before it runs.
CREATE TABLE job_step (
  run_id        text COLLATE "C" NOT NULL,
  step_index    bigint NOT NULL,
  attempt       bigint NOT NULL,
  name          text COLLATE "C" NOT NULL,
  status        text COLLATE "C" NOT NULL,             -- running | success | skipped | failed
  host          text COLLATE "C" NOT NULL,
  process       text COLLATE "C" NOT NULL,
  started_at    text COLLATE "C" NOT NULL,
  ended_at      text COLLATE "C",
  pid           bigint,
  pid_start     text COLLATE "C",                      -- boot and start time: a pid alone names nobody
  exit_code     bigint,
  signal        text COLLATE "C",
  output_digest text COLLATE "C",                      -- what was kept of its output is an object of this digest
  output_bytes  bigint NOT NULL,          -- what it wrote, kept or not
  elapsed_ms    bigint NOT NULL,
  cost_units    double precision NOT NULL,
  reason        text COLLATE "C",
  takeaway      text COLLATE "C",
  next_action   text COLLATE "C",
  signals       text COLLATE "C" NOT NULL,             -- JSON array of {name, digest, count}
  PRIMARY KEY (run_id, step_index, attempt)
);

-- Start, steps and end of a run, as its trace tells them.
CREATE TABLE run_trace (
  run_id text COLLATE "C" NOT NULL,
  seq    bigint NOT NULL,
  kind   text COLLATE "C" NOT NULL,                    -- start | step | end
  at     text COLLATE "C" NOT NULL,
  body   text COLLATE "C" NOT NULL,
  PRIMARY KEY (run_id, seq)
);

-- Promotions that came after a job.
CREATE TABLE job_promotion (
  job_run_id text COLLATE "C" NOT NULL,
  run_id     text COLLATE "C" NOT NULL,
  PRIMARY KEY (job_run_id, run_id)
);

CREATE INDEX job_by_workspace ON job (tenant_id, workspace);
CREATE INDEX run_open_job ON run (created_at) WHERE kind = 'job' AND phase NOT IN ('COMPLETED', 'FAILED');

import { type JobStepFile, type JobStepRow, midRunFacts, overLimit, pauseForViolation } from '@govctl/core/job';
import { type MidRunChecker, midRunChecker } from '@govctl/core/run';
import type { HeldRun } from './held-run.ts';
import { standsNow } from './mid-run.ts';
import type { StoredJob } from './queries.ts';

/** What is asked before each attempt: what was right when the job was submitted, or before its last step, may not be right any more. */
export class BeforeAttempt {
  readonly #held: HeldRun;
  readonly #checker: MidRunChecker;
  #resumes = 0;

  constructor(held: HeldRun) {
    this.#held = held;
    this.#checker = midRunChecker(held.deps.mid_run);
  }

  /** Whether a step may be tried (again) now. Where not, the run has ended, or waits. */
  async allows(stored: StoredJob, step: JobStepFile, tried: readonly JobStepRow[]): Promise<boolean> {
    const held = this.#held;
    const { run, steps } = stored;
    if (run.job.stop_asked_at !== null) {
      await held.stop(stored);
      return false;
    }
    const last = tried.at(-1);
    if (last !== undefined && tried.length > step.retries) {
      const tries = tried.length === 1 ? '' : ` after ${tried.length} attempts`;
      await held.fail(stored, `step ${step.name} failed${tries}: ${last.reason ?? `exit code ${last.exit_code}`}`);
      return false;
    }
    if (run.row.status === 'paused' || !(await this.#nothingSpeaksAgainst(stored))) return false;
    const over = overLimit(run, steps, step);
    if (over !== null) await held.fail(stored, over, 'budget-exceeded');
    return over === null;
  }

  async #nothingSpeaksAgainst(stored: StoredJob): Promise<boolean> {
    const held = this.#held;
    const { run, steps } = stored;
    const resumes = run.state.phases.filter(({ event }) => event === 'resume').length;
    // Somebody let it go on: that is looked at afresh, whenever the last look was.
    if (resumes !== this.#resumes) this.#checker.clear_run_state(run.row.run_id);
    this.#resumes = resumes;
    const look = async () => midRunFacts(run, steps, await standsNow(held.deps, run));
    const found = await this.#checker.check_before_step(run.row.run_id, held.deps.now(), look);
    if (found.should_continue) return true;
    const { decision, violations, reason } = found;
    if (decision === 'PAUSE') await held.commit(pauseForViolation(run, held.hold, violations, await held.context(run)));
    else if (violations.some(({ type }) => type === 'MANUAL_STOP')) await held.stop(stored);
    else
      await held.fail(stored, reason, violations.some(({ type }) => type === 'TENANT_SUSPENDED') ? 'tenant-suspended' : 'budget-exceeded');
    return false;
  }
}

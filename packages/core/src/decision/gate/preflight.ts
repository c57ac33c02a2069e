import { type AskedGate, evidence, fail, pass } from '../gate.ts';
import type { PreflightFacts } from '../preflight-document.ts';

/** A dimension of preflight. It passes or blocks; what is not known blocks. */
export type PreflightGate = AskedGate<PreflightFacts>;

const otherwise = 'deny: BLOCK';
const operator = 'an operator of the handoff';

/** Older than this, what the tail said proves nothing: the bound of coverage itself. */
const heartbeatBoundMs = 30_000;
/** A heartbeat this far ahead means that a clock was set back. */
const toleranceMs = 5_000;

export const preflightCoverageGate: PreflightGate = {
  code: 'preflight-coverage',
  asks: 'Is no birth missing, and is the object known to governance with all of its rows?',
  otherwise,
  judge({ coverage, candidate, quarantined_rows, object_key }, now) {
    const seen = coverage === null ? [] : [evidence('handoff:cursor', null, coverage.last_poll_at, now)];
    const status = { who: operator, command: 'govctl handoff status' };
    if (coverage === null || coverage.state !== 'ok') {
      const state = coverage?.state ?? 'unknown';
      return fail({
        reason_code: `coverage-${state}`,
        reason: `handoff coverage is ${state}: ${coverage?.reason ?? 'it cannot be read'}`,
        expected: 'ok',
        actual: state,
        evidence: seen,
        resolve: status,
      });
    }
    if (candidate === null || candidate.status === 'unborn') {
      return fail({
        reason_code: 'object-unknown',
        reason: `${object_key} was never seen born: what depends on it cannot be known`,
        expected: 'a known object',
        actual: candidate?.status ?? null,
        evidence: seen,
        resolve: { who: 'whoever makes the object', command: `govctl candidate get ${object_key}` },
      });
    }
    if (quarantined_rows !== 0) {
      return fail({
        reason_code: quarantined_rows === null ? 'quarantine-unknown' : 'object-quarantined',
        reason:
          quarantined_rows === null ? 'the quarantine cannot be read' : `${quarantined_rows} rows of ${object_key} could not be applied`,
        expected: 0,
        actual: quarantined_rows,
        evidence: seen,
        resolve: status,
      });
    }
    return pass(`covered, and known as ${candidate.status}`, 'ok', 'ok', seen);
  },
};

export const preflightFreshnessGate: PreflightGate = {
  code: 'preflight-freshness',
  asks: 'Did the tail say within 30 s that it lives?',
  otherwise,
  judge({ coverage }, now) {
    const polled = coverage?.last_poll_at ?? null;
    const age = polled === null ? Number.NaN : now.ms - Date.parse(polled);
    const expected = `<= ${heartbeatBoundMs / 1000} s`;
    const resolve = { who: operator, command: 'govctl handoff status' };
    if (Number.isNaN(age)) {
      return fail({ reason_code: 'heartbeat-unknown', reason: 'the tail never said that it lives', expected, actual: null, resolve });
    }
    const seen = [evidence('handoff:heartbeat', null, polled, now)];
    const actual = `${Math.floor(age / 1000)} s`;
    if (age > heartbeatBoundMs) {
      const reason = `the tail last said so ${actual} ago: what it said of coverage is not known to be true any more`;
      return fail({ reason_code: 'heartbeat-stale', reason, expected, actual, evidence: seen, resolve });
    }
    if (age < -toleranceMs) {
      return fail({
        reason_code: 'heartbeat-ahead',
        reason: 'the heartbeat is in the future: a clock was set back',
        expected,
        actual,
        evidence: seen,
        resolve,
      });
    }
    return pass('the tail lives', expected, actual, seen);
  },
};

export const preflightAuthorizationGate: PreflightGate = {
  code: 'preflight-authorization',
  asks: 'Did a person authorise builds on the object (OSPA)?',
  otherwise,
  judge({ ospa_count, object_key }) {
    if (ospa_count !== null && ospa_count >= 1) return pass('authorised', '>= 1', ospa_count);
    return fail({
      reason_code: ospa_count === null ? 'ospa-unknown' : 'ospa-none',
      reason: ospa_count === null ? 'build authorizations cannot be read' : `no build authorization covers ${object_key}`,
      expected: '>= 1',
      actual: ospa_count,
      resolve: { who: 'a person who may authorise builds', command: `govctl ospa authorize ${object_key} --reason TEXT` },
    });
  },
};

export const preflightLockGate: PreflightGate = {
  code: 'preflight-lock',
  asks: 'Does nobody hold the object: no run in its datasets, and no hold on them?',
  otherwise,
  judge({ locks, object_key }, now) {
    const resolve = { who: 'whoever holds it', command: 'govctl hold ls' };
    if (locks === null) {
      return fail({ reason_code: 'lock-unknown', reason: 'locks cannot be read', expected: 'nobody', actual: null, resolve });
    }
    const [first] = locks;
    if (first === undefined) return pass('nobody holds it', 'nobody', 'nobody');
    const more = locks.length > 1 ? ` and ${locks.length - 1} more` : '';
    return fail({
      reason_code: first.lock.startsWith('hold:') ? 'hold-placed' : 'lock-held',
      reason: `${object_key}: ${first.lock} is held by ${first.holder}${more}`,
      expected: 'nobody',
      actual: first.holder,
      evidence: locks.map(({ lock, since }) => evidence(lock, null, since, now)),
      resolve: first.lock.startsWith('hold:') ? resolve : { who: 'the run that holds it', command: 'govctl promotion ls' },
    });
  },
};

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  canResume,
  defaultAuthorities,
  defaultPause,
  type PausedRun,
  type PauseTimeout,
  pauseDue,
  pauseReasons,
  pauseRun,
  pauseTimeouts,
  rebasePause,
  resumeAuthorities,
  tryResume,
} from './pause.ts';

const start = Date.UTC(2026, 0, 20);
const at = (minutes: number) => new Date(start + minutes * 60_000).toISOString();
const manual = { reason: 'manual_pause', detail: 'checking the numbers', paused_by: 'HUMAN::ada' } as const;

describe('a pause', () => {
  it('lasts an hour, warns five minutes before and terminates, unless something else was said', () => {
    expect(defaultPause).toEqual({ sla_ms: 3_600_000, warn_before_ms: 300_000, timeout: 'TERMINATE' });
    expect(pauseRun(manual, at(0))).toMatchObject({
      expires_at: at(60),
      timeout: 'TERMINATE',
      authorities: defaultAuthorities.manual_pause,
    });
    expect(pauseReasons).toHaveLength(5);
    expect(resumeAuthorities).toHaveLength(5);
  });

  it('warns once, then ends as asked', () => {
    const moments = (timeout: PauseTimeout) => {
      let paused = pauseRun({ ...manual, timeout }, at(0));
      return [0, 54, 55, 56, 60, 90].map((minute) => {
        const due = pauseDue(paused, at(minute));
        if (due === 'warn') paused = { ...paused, warned_at: at(minute) };
        if (due === 'escalate') paused = { ...paused, escalated_at: at(minute) };
        return due;
      });
    };
    expect(moments('TERMINATE')).toEqual([null, null, 'warn', null, 'terminate', 'terminate']);
    expect(moments('CONTINUE')).toEqual([null, null, 'warn', null, 'continue', 'continue']);
    // Somebody was called once; the run waits for them and nobody is called again.
    expect(moments('ESCALATE')).toEqual([null, null, 'warn', null, 'escalate', null]);
  });

  it('is resumed by those it names, and by nobody else', () => {
    const paused = pauseRun({ ...manual, authorities: ['founder_only', 'founder_only'] }, at(0));
    expect(paused.authorities).toEqual(['founder_only']);
    expect(canResume(paused, ['tenant_admin', 'tenant_user'])).toBe(false);
    expect(tryResume(paused, ['tenant_admin'])).toEqual({ ok: false, needs: ['founder_only'] });
    expect(tryResume(paused, ['tenant_admin', 'founder_only'])).toEqual({ ok: true, by: 'founder_only' });
    expect(tryResume(pauseRun(manual, at(0)), [])).toEqual({ ok: false, needs: ['tenant_admin', 'api_key_owner'] });
  });

  it('lasts its whole time from now when the clock was moved back behind its beginning', () => {
    const paused: PausedRun = { ...pauseRun(manual, at(0)), warned_at: at(55) };
    expect(pauseDue(paused, at(-60))).toBe('rebase');
    const mended = rebasePause(paused, at(-60));
    expect(mended).toMatchObject({ paused_at: at(-60), expires_at: at(0), warned_at: null });
    expect(rebasePause(paused, at(1))).toBeNull();
  });

  it('never ends before its time, and never is left alone after it, whatever the clock does', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...pauseTimeouts),
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: -600, max: 1200 }),
        (timeout, sla, minute) => {
          const due = pauseDue(pauseRun({ ...manual, timeout, sla_ms: sla * 60_000 }, at(0)), at(minute));
          const ends = due === 'terminate' || due === 'continue' || due === 'escalate';
          expect(ends).toBe(minute >= sla);
        },
      ),
    );
  });
});

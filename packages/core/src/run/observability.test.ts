import { describe, expect, it } from 'vitest';
import { defaultObservability, observabilityMode, observabilityModes, observedKinds, onLostTrace, stricterMode } from './observability.ts';

describe('the observability guard', () => {
  it('is STRICT for promotions outside local_parity and DEGRADED elsewhere, unless the deployment says otherwise', () => {
    const table = ['local_parity', 'dev', 'prod'].map((environment) =>
      observedKinds.map((kind) => defaultObservability(environment, kind)),
    );
    expect(table).toEqual([
      ['DEGRADED', 'DEGRADED', 'DEGRADED'],
      ['STRICT', 'STRICT', 'DEGRADED'],
      ['STRICT', 'STRICT', 'DEGRADED'],
    ]);
    expect(observabilityMode({ promotion: 'PERMISSIVE' }, 'prod', 'promotion')).toBe('PERMISSIVE');
    expect(observabilityMode({ job: 'STRICT' }, 'local_parity', 'promotion')).toBe('DEGRADED');
    expect(observabilityMode({ promotion: 'STRICT' }, 'local_parity', 'rollback')).toBe('STRICT');
    expect(observabilityMode({ promotion: 'STRICT', rollback: 'DEGRADED' }, 'local_parity', 'rollback')).toBe('DEGRADED');
  });

  it('holds a run to more than the deployment asks, never to less', () => {
    for (const deployment of observabilityModes) {
      expect(stricterMode(deployment, undefined)).toBe(deployment);
      expect(stricterMode(deployment, 'STRICT')).toBe('STRICT');
      expect(stricterMode(deployment, 'PERMISSIVE')).toBe(deployment);
    }
  });

  it('STRICT stops the run, DEGRADED marks it, PERMISSIVE goes on; each says why', () => {
    expect(onLostTrace('STRICT', 'disk full')).toEqual({
      goes_on: false,
      mark: { observability_status: 'LOST', observability_error: 'disk full' },
      reason: 'trace cannot be written (STRICT): disk full',
    });
    expect(onLostTrace('DEGRADED', 'disk full')).toMatchObject({
      goes_on: true,
      mark: { observability_status: 'DEGRADED', observability_error: 'disk full' },
    });
    expect(onLostTrace('PERMISSIVE', 'disk full')).toMatchObject({ goes_on: true, mark: null });
  });
});

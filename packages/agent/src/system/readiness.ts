/** One thing `/readyz` asks. */
export type ReadinessCheck = { readonly name: string; check(): { readonly ok: boolean; readonly detail: string } };

export type Readiness = {
  readonly ready: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail: string }[];
};

/** Asks all of them: `/readyz` and the supervisor are told the same. A check that throws is not ok. */
export function askReadiness(checks: readonly ReadinessCheck[]): Readiness {
  const asked = checks.map(({ name, check }) => {
    try {
      return { name, ...check() };
    } catch (error) {
      return { name, ok: false, detail: (error as Error).message };
    }
  });
  return { ready: asked.every(({ ok }) => ok), checks: asked };
}

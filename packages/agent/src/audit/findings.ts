import type { ReconcileFinding } from '@govctl/core/api';

/** Of each check, more than anybody reads and little enough to be sent; how many were left out is said. */
const mostOfCheck = 2000;

/** What a reconciliation found: all of it is counted, and of each check as much is kept as anybody reads. */
export class Findings {
  readonly kept: ReconcileFinding[] = [];
  readonly by_class: Record<string, number> = {};
  readonly #ofCheck = new Map<string, number>();

  add(finding: ReconcileFinding): void {
    this.by_class[finding.class] = (this.by_class[finding.class] ?? 0) + 1;
    const before = this.#ofCheck.get(finding.check) ?? 0;
    this.#ofCheck.set(finding.check, before + 1);
    if (before < mostOfCheck) this.kept.push(finding);
  }

  addAll(findings: readonly ReconcileFinding[]): void {
    for (const finding of findings) this.add(finding);
  }

  /** How many there are. */
  get count(): number {
    return Object.values(this.by_class).reduce((sum, one) => sum + one, 0);
  }

  get left_out(): number {
    return this.count - this.kept.length;
  }
}

import { type DoctorFinding, isProblem } from '@govctl/core/api';

/** One thing looked at. `fix` is a command that mends it. */
export type Check = Readonly<DoctorFinding>;

export const pass = (name: string, detail: string): Check => ({ name, status: 'pass', detail, fix: null });
export const warn = (name: string, detail: string, fix: string): Check => ({ name, status: 'warn', detail, fix });
export const fail = (name: string, detail: string, fix: string | null): Check => ({ name, status: 'fail', detail, fix });

export function failedBy(name: string, error: unknown): Check {
  return isProblem(error) ? fail(name, error.message, error.hint ?? null) : fail(name, (error as Error).message, null);
}

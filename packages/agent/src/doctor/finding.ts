import { type DoctorFinding, isProblem } from '@govctl/core/api';

export const pass = (name: string, detail: string): DoctorFinding => ({ name, status: 'pass', detail, fix: null });
export const warn = (name: string, detail: string, fix: string | null): DoctorFinding => ({ name, status: 'warn', detail, fix });
export const fail = (name: string, detail: string, fix: string | null): DoctorFinding => ({ name, status: 'fail', detail, fix });

/** What a check threw is what it found. */
export function failedBy(name: string, error: unknown): DoctorFinding {
  return isProblem(error) ? fail(name, error.message, error.hint ?? null) : fail(name, (error as Error).message, null);
}

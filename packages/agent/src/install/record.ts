import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { installationDocument, Problem } from '@govctl/core/api';
import type { z } from 'zod';
import { writeFileDurably } from '../state/index.ts';

/** What an installation wrote: only that is ever replaced or taken away, and only while it is as it was written. */
export type InstallRecord = z.infer<typeof installationDocument>;

export const emptyRecord: InstallRecord = { schemaVersion: 'govctl/v1', kind: 'Installation', version: '', program: '', files: {} };

export function textDigest(text: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

/** @throws Problem `usage` when there is one that cannot be read */
export function readRecord(path: string): InstallRecord | null {
  if (!existsSync(path)) return null;
  try {
    return installationDocument.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new Problem('usage', {
      detail: `${path} is not the record of an installation`,
      hint: `move it away: mv ${path} ${path}.old`,
      cause,
    });
  }
}

export function writeRecord(path: string, record: InstallRecord): void {
  writeFileDurably(path, `${JSON.stringify(record, null, 2)}\n`, 0o644);
}

/** How a file stands: not there, as we wrote it, already as wanted, or somebody's. */
export function standingOf(path: string, wanted: string | null, written: string | undefined): 'absent' | 'ours' | 'same' | 'foreign' {
  if (!existsSync(path)) return 'absent';
  const digest = textDigest(readFileSync(path));
  if (wanted !== null && digest === textDigest(wanted)) return 'same';
  return digest === written ? 'ours' : 'foreign';
}

import { createReadStream } from 'node:fs';
import { ArchiveVerifier, archivePrefix, type Expected, maxArchiveLine, type TrustRoot } from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';
import { asDocument } from '../../output/result.ts';
import type { VerificationDocument } from './verification.ts';

/** Whether bytes are the beginning of an archive: its head is written in one way only. */
export function isArchive(beginning: Uint8Array): boolean {
  return Buffer.from(beginning).subarray(0, archivePrefix.length).equals(Buffer.from(archivePrefix));
}

/** The beginning of a file, enough to tell what it is. */
export const beginningLength = archivePrefix.length;

/** Feeds a verifier with chunks as they come; a line is held until it is whole, and no longer than lines may be. */
export function archiveReader(trust: TrustRoot, expected: Expected = {}) {
  const verifier = new ArchiveVerifier(trust, expected);
  let rest: Uint8Array[] = [];
  let held = 0;
  return {
    get records() {
      return verifier.records;
    },
    /** False when the archive failed and nothing after it matters. */
    take(chunk: Uint8Array): boolean {
      let from = 0;
      for (let end = chunk.indexOf(0x0a); end !== -1; end = chunk.indexOf(0x0a, from)) {
        const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
        rest = [];
        held = 0;
        from = end + 1;
        if (!verifier.push(line)) return false;
      }
      rest.push(chunk.subarray(from));
      held += chunk.length - from;
      return held <= maxArchiveLine || verifier.push(Buffer.concat(rest));
    },
    end(): VerificationDocument {
      if (held > 0) verifier.push(Buffer.concat(rest));
      const { verified, checks, failed_at, manifest } = verifier.end();
      return asDocument('EvidenceVerification', {
        verified,
        ...(failed_at === undefined ? {} : { failed_at }),
        checks,
        ...(manifest === undefined ? {} : { archive: manifest }),
      });
    },
  };
}

/** Verifies an archive in a file, in constant memory. */
export async function verifyArchiveFile(
  { io, signal }: Pick<CommandContext, 'io' | 'signal'>,
  path: string,
  trust: TrustRoot,
  expected: Expected,
): Promise<VerificationDocument> {
  const reader = archiveReader(trust, expected);
  const progress = await io.progress('verifying the archive');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024, signal }) as AsyncIterable<Buffer>) {
      if (!reader.take(chunk)) break;
      progress.update({ done: reader.records, unit: 'records' });
    }
    const document = reader.end();
    await (document.verified ? progress.done() : progress.fail());
    return document;
  } catch (error) {
    await progress.fail();
    throw error;
  }
}

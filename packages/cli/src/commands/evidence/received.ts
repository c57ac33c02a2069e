import { Problem } from '@govctl/core/api';
import {
  type Expected,
  evidenceExportSchema,
  evidenceFileSchema,
  sigstoreBundleOf,
  sigstoreBundlesOf,
  type TrustRoot,
} from '@govctl/core/evidence';
import type { CommandContext } from '../../command.ts';
import { asDocument, type CommandResult } from '../../output/result.ts';
import { verifyFile } from './verification.ts';
import { asBytes, writeWhole } from './write-file.ts';

/** Reads a download to its end, and not beyond what was promised. */
export async function readAtMost(body: AsyncIterable<Uint8Array>, limit: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limit) throw new Problem('integrity', { detail: `govd sent more than the ${limit} bytes that ${what} has` });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** Verifies what came, and only then lets it out: to a file, or to standard output byte for byte. */
export async function deliver(
  { cwd, io }: Pick<CommandContext, 'cwd' | 'io'>,
  received: {
    readonly bytes: Buffer;
    readonly trust: TrustRoot;
    readonly expected: Expected;
    readonly what: string;
    readonly out: string;
    readonly format: string;
  },
): Promise<CommandResult> {
  const { trust, expected, what, out } = received;
  const { document, file: verified } = verifyFile(received.bytes, trust, expected);
  if (!document.verified) {
    throw new Problem('integrity', {
      detail: `${what} does not verify: ${document.failed_at}: ${document.checks.at(-1)?.detail ?? ''}; nothing was written`,
      hint: 'govctl log verify; or the pinned trust root is of another deployment: govctl context show',
    });
  }
  const bytes = received.format === 'sigstore' ? asSigstore(verified, trust) : received.bytes;
  if (out === '-') return { bytes: asBytes(bytes) };
  const file = await writeWhole(cwd, out, bytes);
  await io.note(`${file}: ${bytes.byteLength} bytes, verified`);
  const { schemaVersion: _version, kind: _kind, ...verification } = document;
  return { document: asDocument('EvidenceVerification', { ...verification, file }), names: [file] };
}

/** One bundle, or one a line: as the tools of that world exchange several. */
function asSigstore(file: unknown, trust: TrustRoot): Buffer {
  const run = evidenceExportSchema.safeParse(file);
  const bundles = run.success ? sigstoreBundlesOf(run.data, trust) : [sigstoreBundleOf(evidenceFileSchema.parse(file), trust)];
  return Buffer.from(bundles.map((bundle) => `${JSON.stringify(bundle)}\n`).join(''));
}

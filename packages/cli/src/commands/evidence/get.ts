import { Problem, refSchema } from '@govctl/core/api';
import { digestOf } from '@govctl/core/evidence';
import type { Run } from '../../command.ts';
import { confirmationIn } from './certificate.ts';
import type { evidenceGet } from './declaration.ts';
import { fetchWhole } from './fetch-whole.ts';
import { pinnedTrust } from './pinned-trust.ts';
import { deliver } from './received.ts';

export const run: Run<typeof evidenceGet> = async (context, { ref }, flags) => {
  const { client } = context;
  if (!refSchema.safeParse(ref).success) {
    throw new Problem('usage', { detail: `${ref} is no ref: sha256: and 64 lower-case hex digits`, hint: 'govctl evidence ls -o name' });
  }
  if (flags.certificate !== undefined && !flags.url)
    throw new Problem('usage', {
      detail: '--certificate is about a URL for somebody else; without --url this command opens it itself, over its own connection',
      hint: `govctl evidence get ${ref} --url --certificate ${flags.certificate}`,
    });
  const cnf = flags.certificate === undefined ? undefined : await confirmationIn(context, flags.certificate);
  // Before anything is asked: without a root nothing that comes could be used, and a resolution would stand on record for nothing.
  const trust = flags.url ? undefined : await pinnedTrust(context, flags.trust);
  const { url, dig, len } = await client.call('evidence.resolve', {
    params: { ref },
    body: cnf === undefined ? {} : { cnf },
  });
  if (trust === undefined) return { text: `${url}\n` };
  const bytes = await fetchWhole(context, { url, dig, len });
  if (bytes.byteLength !== len || digestOf(bytes) !== dig) {
    throw new Problem('integrity', {
      detail: `what was fetched is not what was promised: ${bytes.byteLength} bytes with ${digestOf(bytes)} instead of ${len} with ${dig}`,
      hint: 'govctl log verify',
    });
  }
  return await deliver(context, { bytes, trust, expected: { ref }, what: `the evidence of ${ref}`, out: flags.out, format: flags.format });
};

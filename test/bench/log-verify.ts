import { join } from 'node:path';
import { digestOf, leafBody, leafHash, publicKeyOf, rawPublicKey, signPayload, TreeAppender, verifySignature } from '@govctl/core/evidence';
import { cleanEnv, initState, runNode, startDaemon } from './daemon.ts';
import { endlessChangelog, Filler } from './growth-fill.ts';
import { barOf, count, type Lab, type Measurement, mebibytes, type Section } from './measurement.ts';
import { spreadOf } from './spread.ts';

/** What `govctl log verify -o json` says, as far as it is measured. */
type Verification = {
  readonly tree_size: number;
  readonly seconds: number;
  readonly structure: { readonly seconds: number; readonly leaves_per_second: number };
  readonly signatures: {
    readonly leaves: number;
    readonly meanwhile: number;
    readonly seconds: number;
    readonly threads: number;
    readonly thread_seconds: number;
  };
};
type Point = Verification & { readonly memory_before: number; readonly memory_peak: number };

async function verified(lab: Lab, state: string): Promise<Point> {
  const daemon = await startDaemon(lab, state);
  try {
    const before = daemon.memory().now;
    const env = { ...cleanEnv(), GOVCTL_CONFIG: join(state, 'govctl.yaml') };
    const { code, out } = await runNode([join(lab.root, 'packages/cli/bin/govctl.mjs'), 'log', 'verify', '-o', 'json'], env);
    if (code !== 0) throw new Error(`log verify ended with ${code}: ${out}`);
    const document = JSON.parse(out.slice(out.indexOf('{'))) as Verification;
    return { ...document, memory_before: before, memory_peak: daemon.memory().peak };
  } finally {
    await daemon.stop();
  }
}

/** What verification is made of, on one thread: signatures, and hashing leaves into a tree. */
function parts(signer: Filler['signer'], leaves: number): { readonly signatures: number; readonly tree: number } {
  const key = publicKeyOf(rawPublicKey(signer.public_key_spki)).key;
  const payloads = Array.from({ length: leaves }, (_, at) => Buffer.from(`${at}`.padEnd(600, '.')));
  const signed = payloads.map((payload) => ({ payload, signature: signPayload(payload, signer) }));
  const bodies = signed.map(({ payload, signature }) => leafBody(digestOf(payload), [signature]));
  let started = performance.now();
  for (const { payload, signature } of signed) if (!verifySignature(key, payload, signature.sig)) throw new Error('a signature is wrong');
  const signatures = (leaves * 1000) / (performance.now() - started);
  started = performance.now();
  const tree = new TreeAppender(0, []);
  for (const body of bodies) tree.append(leafHash(body));
  tree.root();
  return { signatures, tree: (leaves * 1000) / (performance.now() - started) };
}

async function run(lab: Lab): Promise<Section> {
  const sizes = lab.quick ? [1000, 10_000] : [10_000, 100_000, 1_000_000];
  const state = await initState(lab);
  // Signs the empty log once: the second place exists before there are leaves.
  await (await startDaemon(lab, state)).stop();
  const points: Point[] = [];
  let alone = { signatures: 0, tree: 0 };
  for (const size of sizes) {
    {
      using filler = new Filler(state, endlessChangelog());
      await filler.leaves(size);
      if (alone.tree === 0) alone = parts(filler.signer, lab.quick ? 2000 : 20_000);
    }
    const point = await verified(lab, state);
    points.push(point);
    lab.tell(
      `${count(size)} leaves: structure ${point.structure.seconds} s, signatures ${point.signatures.seconds} s more (${count(point.signatures.meanwhile)} meanwhile)`,
    );
  }
  const last = points.at(-1);
  if (last === undefined) throw new Error('nothing was measured');
  const structure = 1_000_000 / last.structure.leaves_per_second;
  return {
    title: 'Verifying a whole log',
    text: [
      'govctl log verify against a daemon, by the command. The leaves are signed governance records, appended by the journal. Structure is everything but signatures: every stored row read again, hashes, statements against their schemas and columns, every node and every head recomputed, promotions against pointers and runs; one thread does it, and the daemon goes on serving. Signatures are checked by threads of their own, on processors that are to spare while the structure is read, then on all there are: "more" is what they took beyond the structure.',
      `On one thread alone, ${count(alone.signatures)} signatures a second can be checked, and ${count(alone.tree)} leaves hashed into a tree. Memory is that of the daemon, which is not given back at once.`,
    ],
    tables: [
      {
        title: 'govctl log verify',
        head: [
          'leaves',
          'structure',
          'leaves a second',
          'signatures meanwhile',
          'signatures, more',
          'a second and thread',
          'whole',
          'memory before, greatest',
        ],
        rows: points.map(({ tree_size, structure: read, signatures, seconds, memory_before, memory_peak }) => [
          count(tree_size),
          `${read.seconds.toFixed(1)} s`,
          count(read.leaves_per_second),
          count(signatures.meanwhile),
          `${signatures.seconds.toFixed(1)} s`,
          count(signatures.leaves / signatures.thread_seconds),
          `${seconds.toFixed(1)} s`,
          `${mebibytes(memory_before)}, ${mebibytes(memory_peak)}`,
        ]),
      },
    ],
    bars: [barOf('log verify: structure of a million leaves', spreadOf([structure]), { most: 60 }, (value) => `${value.toFixed(0)} s`)],
    data: { points, alone },
  };
}

export const logVerify: Measurement = { name: 'log-verify', run };

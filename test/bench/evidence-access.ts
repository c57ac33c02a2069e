import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, loadTrust, type TrustRoot, verifyEvidence } from '@govctl/core/evidence';
import { type BenchDaemon, initState, startDaemon } from './daemon.ts';
import { governDatasets, promoteOnce } from './govern.ts';
import { barOf, count, type Lab, type Measurement, milliseconds, type Section, spreadText, times } from './measurement.ts';
import { type S3, startS3 } from './s3.ts';
import { quantile, spreadOf, timed } from './spread.ts';

type Round = { readonly rate: number; readonly p50: number; readonly p99: number };
type Side = 'govd' | 's3';

/** What `govctl evidence get` does: a URL, the record it opens, its digest, its signature and its inclusion proof. */
async function resolveFetchVerify(daemon: BenchDaemon, ref: string, trust: TrustRoot): Promise<Buffer> {
  const resolved = await daemon.call('POST', `/v1/evidence/refs/${ref}/resolve`, {});
  if (resolved.status !== 200) throw new Error(`resolve: HTTP ${resolved.status} ${resolved.text}`);
  const { url, dig } = JSON.parse(resolved.text) as { url: string; dig: string };
  const { pathname, search } = new URL(url);
  const { status, text } = await daemon.call('GET', `${pathname}${search}`);
  const bytes = Buffer.from(text);
  if (status !== 200 || digestOf(bytes) !== dig) throw new Error(`fetch: HTTP ${status}`);
  const { verified, failed_at } = verifyEvidence(JSON.parse(text), trust, { ref });
  if (!verified) throw new Error(`a record does not verify: ${failed_at}`);
  return bytes;
}

async function measure(once: () => Promise<unknown>, reads: number, clients: number): Promise<Round> {
  const took: number[] = [];
  let left = reads;
  const client = async () => {
    while (left > 0) {
      left -= 1;
      const started = performance.now();
      await once();
      took.push(performance.now() - started);
    }
  };
  const seconds = await timed(() => Promise.all(Array.from({ length: clients }, client)));
  return { rate: reads / seconds, p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

async function run(lab: Lab): Promise<Section> {
  const crowds = [1, 16] as const;
  const rounds = lab.quick ? 2 : 5;
  const reads = lab.quick ? 100 : 1000;
  const state = await initState(lab);
  governDatasets(lab, state);
  const daemon = await startDaemon(lab, state);
  let s3: S3 | undefined;
  const measured: { clients: number; side: Side; round: Round }[] = [];
  let size = 0;
  try {
    const run_id = await promoteOnce(daemon);
    const { items } = JSON.parse((await daemon.call('GET', `/v1/evidence?run_id=${run_id}&kind=decision`)).text) as {
      items: { ref: string }[];
    };
    const ref = items[0]?.ref ?? '';
    const trust = loadTrust(JSON.parse(readFileSync(join(state, 'trust.json'), 'utf8')));
    const object = await resolveFetchVerify(daemon, ref, trust);
    size = object.length;
    const digest = digestOf(object);
    const started = await startS3(lab, object);
    s3 = started;
    const sides: Record<Side, () => Promise<unknown>> = {
      govd: () => resolveFetchVerify(daemon, ref, trust),
      s3: async () => {
        if (digestOf(await started.presignAndGet()) !== digest) throw new Error('S3 answered something else');
      },
    };
    for (const side of ['govd', 's3'] as const) await measure(sides[side], reads / 2, 16);
    for (let round = 1; round <= rounds; round += 1) {
      for (const clients of crowds) {
        for (const side of ['govd', 's3'] as const) {
          const one = await measure(sides[side], reads, clients);
          measured.push({ clients, side, round: one });
          lab.tell(`round ${round}, ${clients} clients, ${side}: ${count(one.rate)}/s`);
        }
      }
    }
  } finally {
    await s3?.close();
    await daemon.stop();
  }
  const of = (clients: number, side: Side) =>
    measured.filter((one) => one.clients === clients && one.side === side).map(({ round }) => round);
  const rate = (clients: number, side: Side) => spreadOf(of(clients, side).map((round) => round.rate));
  const p99 = (clients: number, side: Side) => milliseconds(spreadOf(of(clients, side).map((round) => round.p99)).median);
  const ratio = (clients: number) =>
    spreadOf(of(clients, 'govd').map((round, at) => round.rate / (of(clients, 's3')[at]?.rate ?? Number.NaN)));
  return {
    title: 'Access to evidence: one record, resolved, fetched and verified',
    text: [
      `One read through govd is what \`govctl evidence get\` does: the request is authorised, the resolution is signed, appended to the evidence log and durable, then a URL is made; the URL is fetched (checked, gate asked again, its single use durable), and the ${count(size)} bytes are verified: digest, signature, inclusion proof, checkpoint. Two durable commits a read.`,
      'One read from S3 is what one does without it: the AWS SDK for JavaScript signs a URL in the client, the object is fetched from a local S3 server (@20minutes/s3rver, which checks the signature and reads a file), and its digest is compared. Nothing is recorded, nothing is used up, nothing could be taken back. An S3 across a network is slower, one in another language faster; this one is what runs here.',
      `Both have the same bytes, a server in one process and all clients in another on the same machine, connections that are kept, and take turns. Figures are the median and, in brackets, the least and the greatest of ${rounds} rounds of ${count(reads)} reads.`,
    ],
    tables: [
      {
        title: 'Reads a second',
        head: ['clients', 'govd: resolve, fetch, verify', 'S3: presign, get, digest', 'ratio', 'govd p99', 'S3 p99'],
        rows: crowds.map((clients) => [
          String(clients),
          spreadText(rate(clients, 'govd'), count),
          spreadText(rate(clients, 's3'), count),
          spreadText(ratio(clients), times),
          p99(clients, 'govd'),
          p99(clients, 's3'),
        ]),
      },
    ],
    bars: crowds.map((clients) =>
      barOf(
        `evidence access with ${clients} client${clients === 1 ? '' : 's'} against presign and get`,
        ratio(clients),
        { least: 1 },
        times,
      ),
    ),
    data: { size, measured },
  };
}

export const evidenceAccess: Measurement = { name: 'evidence-access', run };

import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFromJSON } from '@sigstore/bundle';
import { PublicKeyDetails, TrustedRoot } from '@sigstore/protobuf-specs';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Deployment, deploy } from './harness.ts';
import { goodSnapshot, govern } from './orders.ts';
import { buildVerifier, goAvailability } from './sumdb/go.ts';

// Programs that share nothing with ours but the published formats.

let at: Deployment;
let older = '';

beforeAll(async () => {
  at = await deploy();
  await at.start();
  await govern(at);
  older = (await at.govctl(['log', 'checkpoint', '-o', 'note'])).stdout;
  const snapshot = await goodSnapshot(at, '1,10');
  await at.json(['promote', 'orders', '--from', 'RAW', '--to', 'GDP', '--snapshot', snapshot, '--run-id', 'first', '--wait']);
});
afterAll(async () => {
  await at.remove();
});

type Line = {
  verificationMaterial: {
    publicKey: { hint: string };
    tlogEntries: { logIndex: string; inclusionProof: { hashes: string[]; logIndex: string; checkpoint: { envelope: string } } }[];
  };
  dsseEnvelope: { payload: string };
};

describe('@sigstore/verify', () => {
  let lines: string[] = [];
  let root: unknown;
  let keys: Record<string, Buffer> = {};

  const trustOf = async (from: Deployment) => {
    const folder = join(from.folder, 'sigstore');
    await from.json(['evidence', 'trusted-root', '-O', join(from.folder, 'trusted_root.json'), '--keys', folder]);
    const pems = await readdir(folder);
    const read = pems.map(async (name) => {
      const der = execFileSync('openssl', ['pkey', '-pubin', '-in', join(folder, name), '-outform', 'DER']);
      return [name.replace('.pem', ''), der] as const;
    });
    return {
      root: JSON.parse(await readFile(join(from.folder, 'trusted_root.json'), 'utf8')),
      keys: Object.fromEntries(await Promise.all(read)),
    };
  };
  const verify = (line: string | undefined, withRoot = root, withKeys = keys) => {
    const material = toTrustMaterial(
      TrustedRoot.fromJSON(withRoot),
      Object.fromEntries(
        Object.entries(withKeys).map(([hint, rawBytes]) => [
          hint,
          { rawBytes, keyDetails: PublicKeyDetails.PKIX_ED25519, validFor: undefined },
        ]),
      ),
    );
    const verifier = new Verifier(material, { ctlogThreshold: 0, tlogThreshold: 1, timestampThreshold: 0 });
    return verifier.verify(toSignedEntity(bundleFromJSON(JSON.parse(line ?? ''))));
  };
  const changed = (change: (bundle: Line) => void, of = lines[0]) => {
    const bundle = JSON.parse(of ?? '') as Line;
    change(bundle);
    return JSON.stringify(bundle);
  };

  beforeAll(async () => {
    ({ root, keys } = await trustOf(at));
    const written = join(at.folder, 'run.jsonl');
    await at.json(['evidence', 'export', 'first', '--format', 'sigstore', '-O', written]);
    lines = (await readFile(written, 'utf8')).trimEnd().split('\n');
  });

  it('accepts every record of a run, and a SLSA summary among them', () => {
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(verify(line).key).toBeDefined();
    const types = lines.map((line) => {
      const { dsseEnvelope } = JSON.parse(line) as Line;
      return JSON.parse(Buffer.from(dsseEnvelope.payload, 'base64').toString()) as { predicateType: string; predicate: object };
    });
    expect(types.map(({ predicateType }) => predicateType)).toEqual([
      'urn:govctl:predicate:decision:v1',
      'https://slsa.dev/verification_summary/v1',
      'urn:govctl:predicate:promotion:v1',
    ]);
    expect(types[1]?.predicate).toMatchObject({ verificationResult: 'PASSED', verifiedLevels: ['GOVCTL_GDP'] });
  });

  it('accepts what evidence get writes', async () => {
    const ref = String((await at.json(['decision', 'get', 'first'])).decision_ref);
    const { stdout } = await at.govctl(['evidence', 'get', ref, '--format', 'sigstore']);
    expect(verify(stdout).key).toBeDefined();
  });

  it('refuses another payload, place, checkpoint, and a proof of another record', () => {
    const forged = changed(({ dsseEnvelope }) => {
      const text = Buffer.from(dsseEnvelope.payload, 'base64').toString();
      dsseEnvelope.payload = Buffer.from(text.replace('"orders"', '"others"')).toString('base64');
    });
    expect(() => verify(forged)).toThrow(/DSSE payload hash mismatch/);
    const proofOf = (bundle: Line) => {
      const [entry] = bundle.verificationMaterial.tlogEntries;
      if (entry === undefined) throw new Error('no entry');
      return entry;
    };
    expect(() => verify(changed((bundle) => Object.assign(proofOf(bundle).inclusionProof, { logIndex: '1' })))).toThrow(/inclusion/);
    const edited = changed((bundle) => {
      const { checkpoint } = proofOf(bundle).inclusionProof;
      checkpoint.envelope = checkpoint.envelope.replace(/\n[A-Za-z0-9+/]{4}/, '\nAAAA');
    });
    expect(() => verify(edited)).toThrow(/checkpoint/);
    const swapped = changed((bundle) => {
      bundle.verificationMaterial.tlogEntries = (JSON.parse(lines[2] ?? '') as Line).verificationMaterial.tlogEntries;
    });
    expect(() => verify(swapped)).toThrow(/mismatch/);
    expect(() => verify(changed((bundle) => bundle.verificationMaterial.tlogEntries.splice(0)))).toThrow();
  });

  it('refuses them with the keys of another deployment, and with its root', async () => {
    const other = await deploy();
    try {
      const theirs = await trustOf(other);
      const [key] = Object.values(theirs.keys);
      const { hint } = (JSON.parse(lines[0] ?? '') as Line).verificationMaterial.publicKey;
      expect(() => verify(lines[0], root, theirs.keys)).toThrow(/key not found/);
      expect(() => verify(lines[0], root, { [hint]: key ?? Buffer.alloc(0) })).toThrow(/signature verification failed/);
      expect(() => verify(lines[0], theirs.root)).toThrow();
    } finally {
      await other.remove();
    }
  });
});

describe('a mirror of the log', () => {
  it('is fetched once, grows, and is told when it does not fit', async () => {
    const mirror = join(at.folder, 'mirror');
    const first = await at.json<{ tree_size: number; files_new: number }>(['log', 'mirror', mirror]);
    expect(first.files_new).toBe(2);
    expect(await at.json(['log', 'mirror', mirror])).toMatchObject({ files_new: 0, from_size: first.tree_size });
    await at.json(['apikey', 'add', '--actor', 'SYSTEM::mirror', '--action', 'snapshot.read']);
    expect(await at.json(['log', 'mirror', mirror])).toMatchObject({ files_new: 2, tree_size: first.tree_size + 1 });

    const spoilt = join(at.folder, 'spoilt');
    await cp(mirror, spoilt, { recursive: true });
    const bundle = join(spoilt, 'tile/entries/000.p', String(first.tree_size + 1));
    const bytes = await readFile(bundle);
    bytes[200] = (bytes[200] ?? 0) ^ 1;
    await writeFile(bundle, bytes);
    const ended = await at.govctl(['log', 'mirror', spoilt, '-o', 'json']);
    expect([ended.code, JSON.parse(ended.stderr).code]).toEqual([20, 'integrity']);

    // Signed, and longer than what is served: somebody set the log back.
    const ahead = join(at.folder, 'ahead');
    await mkdir(ahead);
    const served = (await at.govctl(['log', 'checkpoint', '-o', 'note'])).stdout;
    await writeFile(join(ahead, 'checkpoint'), served.replace(/\n\d+\n/, '\n9999\n'));
    expect((await at.govctl(['log', 'mirror', ahead])).code).toBe(20);
    expect(await stat(join(ahead, 'tile')).catch(() => null)).toBeNull();
  });
});

const go = goAvailability();
describe.skipIf(go.skip)(`Go's sumdb packages${go.note}`, () => {
  it('verify note, tiles, inclusion and consistency, and refuse what was changed', async () => {
    const program = buildVerifier(at.folder);
    // More than one tile, so that a full one and two levels are among them.
    const { http } = at;
    const grants = [{ actions: ['snapshot.read'], tenants: ['*'], datasets: ['*'] }];
    for (let count = 0; count < 260; count += 20) {
      const keys = Array.from({ length: 20 }, (_, one) => http('POST', '/v1/keys/api', { actor_id: `SYSTEM::n${count + one}`, grants }));
      for (const { status } of await Promise.all(keys)) expect(status).toBe(201);
    }
    const mirror = join(at.folder, 'for-go');
    const { tree_size } = await at.json<{ tree_size: number }>(['log', 'mirror', mirror]);
    const kept = await at.file('older', older);
    const ref = String((await at.json(['decision', 'get', 'first'])).decision_ref);
    const request = {
      vkey: (JSON.parse(await readFile(join(at.state, 'trust.json'), 'utf8')) as { log: { vkey: string } }).log.vkey,
      dir: mirror,
      older,
      inclusion: await at.json(['log', 'prove', ref]),
      consistency: await at.json(['log', 'prove', '--since', kept]),
    };
    const asked = (change: object) => {
      const ran = spawnSync(program, { input: JSON.stringify({ ...request, ...change }), encoding: 'utf8' });
      return { code: ran.status, out: ran.stdout, err: ran.stderr };
    };
    expect(tree_size).toBeGreaterThan(256);
    expect(asked({})).toMatchObject({ code: 0, out: expect.stringContaining(`"entries":${tree_size}`) });
    expect(asked({ inclusion: { ...request.inclusion, leaf_index: 3 } })).toMatchObject({
      code: 1,
      err: expect.stringContaining('invalid transparency proof'),
    });
    expect(asked({ consistency: { ...request.consistency, hashes: [] } }).code).toBe(1);
    expect(asked({ older: older.replace(/\n\d+\n/, '\n1\n') })).toMatchObject({
      code: 1,
      err: expect.stringContaining('invalid signature'),
    });
    const tile = join(mirror, 'tile/0/000');
    const bytes = await readFile(tile);
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(tile, bytes);
    expect(asked({}).code).toBe(1);
  });
});

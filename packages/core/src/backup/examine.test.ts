import { isProblem } from '@govctl/core/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { deployment, type File, packed } from './backup.fixture.ts';
import { examineBackup } from './examine.ts';
import { readTar, tarHeader } from './tar.ts';

const ours = deployment();
const good = ours.backup();
const pinned = () => ours.trust;

async function* cut(bytes: Uint8Array, step = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}
async function outcome(bytes: Uint8Array, trust: typeof pinned | null = pinned): Promise<string> {
  try {
    await examineBackup(cut(bytes), trust === null ? {} : { trust });
    return 'good';
  } catch (error) {
    if (isProblem(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
}
const replaced = (name: string, bytes: Uint8Array): File[] => good.map((file) => (file.name === name ? { name, bytes } : file));

describe('examineBackup', () => {
  it('takes a whole backup, however it arrives, and hands every file on', async () => {
    for (const step of [1, 511, 512, 4096, 1_000_000]) {
      const taken: string[] = [];
      const examined = await examineBackup(cut(packed(good), step), {
        trust: pinned,
        take: async ({ name, body }) => {
          const parts: Uint8Array[] = [];
          for await (const part of body) parts.push(Buffer.from(part));
          expect(Buffer.concat(parts)).toEqual(Buffer.from(good.find((file) => file.name === name)?.bytes ?? 'none'));
          taken.push(name);
        },
      });
      expect(taken).toEqual(good.map(({ name }) => name));
      expect(examined).toMatchObject({
        trusted_by: 'pinned',
        private_keys: [],
        manifest: { backup_id: 'backup-1', objects: { count: 3 } },
      });
    }
    expect(await examineBackup(cut(packed(good)))).toMatchObject({ trusted_by: 'backup' });
  });

  it('refuses it cut short at any place', async () => {
    const whole = packed(good);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole.length - 513 }), async (length) => {
        expect(await outcome(whole.subarray(0, length))).toMatch(length < 512 ? /^usage: / : /^(integrity|usage): /);
      }),
      { numRuns: 150 },
    );
    expect(await outcome(whole.subarray(0, whole.length - 1024))).toMatch(/integrity: .*cut short/);
  });

  it('refuses it with any bit of a file changed (of the evidence only what is signed counts: names of keys in it are hints)', async () => {
    const whole = packed(good);
    const meaning = fc.integer({ min: 0, max: whole.length - 1 }).filter((place) => isContent(good.slice(0, -1), place));
    await fc.assert(
      fc.asyncProperty(meaning, fc.integer({ min: 1, max: 255 }), async (place, bits) => {
        const changed = Buffer.from(whole);
        changed[place] = (changed[place] ?? 0) ^ bits;
        expect(await outcome(changed)).not.toBe('good');
      }),
      { numRuns: 250 },
    );
  });

  it.each([
    ['a file left out', good.filter(({ name }) => name !== 'govd.db'), /integrity: .*govd\.db is missing/],
    ['an object left out', good.filter(({ name }) => !name.startsWith('objects/7')), /integrity: .*objects/],
    [
      'a file of another kind',
      [...good.slice(0, 2), { name: '../../etc/passwd', bytes: Buffer.from('x') }, ...good.slice(2)],
      /no backup has/,
    ],
    ['a file twice', [...good.slice(0, 3), ...good.slice(2)], /no backup has|manifest says/],
    ['something behind the end', [...good, { name: 'govd.yaml', bytes: Buffer.from('x') }], /behind its end/],
    ['a database that is another', replaced('govd.db', Buffer.alloc(1500, 'other')), /govd\.db is not what/],
    ['no header', good.slice(1), /^usage: .*no backup/],
    ['a header that is none', replaced('govctl-backup.json', Buffer.from('{}')), /^usage: .*no backup/],
    ['a newer format', replaced('govctl-backup.json', Buffer.from('{"kind":"BackupHeader","format":2}')), /^usage: .*format 2.*newer/],
    ['a key that is not of it', [...good.slice(0, 1), { name: 'keys/log.key', bytes: Buffer.from('x') }, ...good.slice(1)], /not a key/],
  ] as const)('refuses %s', async (_what, files, said) => {
    expect(await outcome(packed(files))).toMatch(said);
  });

  it('refuses bytes behind the archive, and what is no archive', async () => {
    expect(await outcome(Buffer.concat([packed(good), Buffer.from('more')]))).toMatch(/behind its end/);
    for (const bytes of [Buffer.alloc(0), Buffer.from('hello'), Buffer.alloc(5000, 'x'), Buffer.from(`{"a":1}${' '.repeat(2000)}`)])
      expect(await outcome(bytes)).toMatch(/^usage: .*no backup/);
  });

  it("refuses another deployment's where keys are pinned, also when it says it is ours", async () => {
    const other = deployment();
    expect(await outcome(packed(other.backup()))).toMatch(/^integrity: .*not of the deployment/);
    expect(await outcome(packed(deployment('other/log').backup()))).toMatch(/^integrity: .*other\/log/);
    expect(await outcome(packed(other.backup()), null)).toBe('good');
  });

  it('refuses a manifest that was recorded and says what is not so', async () => {
    const wrong = (change: Parameters<typeof ours.backup>[0]) => outcome(packed(ours.backup(change)));
    expect(await wrong((manifest) => ({ ...manifest, log: { ...manifest.log, size: 2 } }))).toMatch(/another head/);
    expect(await wrong((manifest) => ({ ...manifest, objects: { ...manifest.objects, count: 4 } }))).toMatch(/3 objects/);
    expect(await wrong((manifest) => ({ ...manifest, backup_id: 'backup-2' }))).toMatch(/another backup/);
    // Recorded, but of a manifest that was exchanged afterwards.
    const edited = Buffer.from(
      JSON.stringify({ ...JSON.parse(String(good.find(({ name }) => name === 'manifest.json')?.bytes)), service_release_id: 'x' }),
    );
    expect(await outcome(packed(replaced('manifest.json', edited)))).toMatch(/record of its manifest does not verify/);
  });

  it('takes a damaged object only where the deployment admitted it', async () => {
    const [name = ''] = good.flatMap((file) => (file.name.startsWith('objects/') && file.bytes.length > 0 ? [file.name] : []));
    const damage = (files: readonly File[]) => files.map((file) => (file.name === name ? { name, bytes: Buffer.from('bad') } : file));
    expect(await outcome(packed(damage(good)))).toMatch(/does not have its digest/);
    const digest = `sha256:${name.replaceAll(/objects|\//g, '')}`;
    expect(await outcome(packed(damage(ours.backup((manifest) => ({ ...manifest, lacks: { count: 1, items: [digest] } })))))).toBe('good');
  });
});

describe('tar', () => {
  it('keeps names and sizes, also sizes that octal digits do not hold', async () => {
    const large = 12 * 1024 ** 3;
    const entries = readTar(cut(Buffer.from(tarHeader('govd.db', large, 0))));
    expect((await entries.next()).value).toMatchObject({ name: 'govd.db', size: large });
    expect(() => tarHeader('x'.repeat(101), 1, 0)).toThrow(RangeError);
  });
});

/** Whether a byte of the archive is one of a file, and not of its header or padding. */
function isContent(files: readonly File[], place: number): boolean {
  let at = 0;
  for (const { bytes } of files) {
    if (place >= at + 512 && place < at + 512 + bytes.length) return true;
    at += 512 + Math.ceil(bytes.length / 512) * 512;
  }
  return false;
}

import type { PackFact } from '@govctl/core/decision';
import { type CompiledPack, compilePack } from '@govctl/core/policy';
import { type Database, listed, query } from '../db/index.ts';
import type { PackStore } from '../promotion/facts.ts';

const packsByDigest = query<{ digests: string }, { digest: string; source: string }>(
  'policy packs by digest',
  listed('digests', (digests) => `SELECT digest, source FROM policy_pack WHERE digest IN (${digests})`),
);

/** Compiled packs of facts; a pack that is not stored is not here, and its absence is for the kernel to deny. */
export type CompiledPacks = {
  compiled(packs: readonly PackFact[]): CompiledPack[];
  /** The same facts with the YAML of each pack, for whoever decides them elsewhere. */
  sourced(packs: readonly PackFact[]): Promise<PackFact[]>;
};

/** Packs never change under their digest, so each is read and compiled once. */
export function packStore(database: Database): PackStore & CompiledPacks {
  const known = new Map<string, CompiledPack>();
  return {
    async factsOf(packs) {
      const missing = packs.filter((pack) => !known.has(pack.digest)).map((pack) => pack.digest);
      if (missing.length > 0) {
        const [rows] = await database.read([packsByDigest({ digests: JSON.stringify(missing) })]);
        for (const row of rows) known.set(row.digest, compilePack(row.source));
      }
      return packs.filter((pack) => known.has(pack.digest)).map(({ name, version, digest }) => ({ name, version, digest }));
    },
    compiled(packs) {
      return packs.flatMap((pack) => known.get(pack.digest) ?? []);
    },
    async sourced(packs) {
      const [rows] = await database.read([packsByDigest({ digests: JSON.stringify(packs.map((pack) => pack.digest)) })]);
      const sources = new Map(rows.map((row) => [row.digest, row.source]));
      return packs.map((pack) => ({ ...pack, source: sources.get(pack.digest) }));
    },
  };
}

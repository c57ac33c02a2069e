import { globSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const writes = /\b(INSERT (OR \w+ )?INTO|UPDATE \w+ SET|DELETE FROM|REPLACE INTO)\b/;

/** The writers of ARCHITECTURE.md, and why each may: everything else goes through `journal.commit(unit)`. */
const writers: readonly RegExp[] = [
  /\/write-sql\.ts$/, // the journal's statements, one per named write
  /^journal\//, // the write path itself: records, nodes, heads, outbox
  /^db\/(migration|instance-lock|postgres\/migrate)\.ts$/, // the migration ledger; the lock file of one daemon
  /^state\/init\.ts$/, // the first operator's key, before there is a daemon
  /^handoff\/replay\/(port|replay|replay-sql)(\.postgres)?\.ts$/, // a replay's effects and its checkpoint are one transaction a batch, as in the tail
  /^handoff\/(tail|tail-(sql|session|apply|walk|mend|heartbeat|close|lease|fence|alarm|audit)|births|births-attachment|prune)(\.postgres)?\.ts$/, // births have a writer of their own, and the tail is one transaction a batch
];

describe('one write path', () => {
  it('knows every file that writes SQL', () => {
    const files = globSync('**/*.ts', { cwd: root }).filter((file) => !/\.(test|fixture|contract)\.ts$/.test(file));
    expect(files.length).toBeGreaterThan(80);
    const writing = files.filter((file) => writes.test(readFileSync(join(root, file), 'utf8')));
    expect(writing.length).toBeGreaterThan(8);
    expect(writing.map((file) => relative(root, join(root, file))).filter((file) => !writers.some((writer) => writer.test(file)))).toEqual(
      [],
    );
  });
});

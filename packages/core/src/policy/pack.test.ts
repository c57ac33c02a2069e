import { describe, expect, it } from 'vitest';
import { fixturePack } from '../../../../fixtures/decision/corpus.ts';
import { digestOf } from '../evidence/digest.ts';
import { compilePack } from './compile.ts';
import { diffPacks } from './diff.ts';
import { lintPack } from './lint.ts';
import { policyRevOf, withPack } from './policy-rev.ts';
import { testPack } from './test-pack.ts';

const good = fixturePack('gdp-default').source;

function pack(rules: string, tests = '  pass: []\n  fail: []\n'): string {
  return `apiVersion: govctl/v1\nkind: PolicyPack\nname: p\nversion: "1"\nrules:\n${rules}tests:\n${tests}`;
}
function rule(require: string, id = 'r'): string {
  return `  - id: ${id}\n    on: [raw_to_gdp]\n    severity: deny\n    require: ${JSON.stringify(require)}\n    message: m\n    resolve: { who: w, command: govctl status }\n`;
}
const messages = (source: string) => lintPack(source).problems.map(({ path, line, message }) => `${path}:${line}: ${message}`);

describe('lintPack', () => {
  it('takes a good pack', () => {
    expect(lintPack(good).problems).toEqual([]);
  });

  it('reports everything at once, with path and line', () => {
    const source = pack(`${rule('true')}    sevrity: deny\n${rule('nope > 1')}${rule('a[')}`);
    expect(messages(source)).toEqual(["rules[0].sevrity:12: unknown field 'sevrity': did you mean 'severity'?"]);
    const found = messages(pack(`${rule('nope > 1')}${rule('a[')}`));
    expect(found).toHaveLength(3);
    expect(found[0]).toBe("rules[0].require:9: there is no 'nope'");
    expect(found[1]).toBe("rules[1].id:12: the id 'r' is used twice");
    expect(found[2]).toMatch(/^rules\[1\]\.require:15: not CEL: .*found \[/);
  });

  it.each([
    ['request.dataset == "x"', "there is no field 'dataset'"],
    ['checks.all(c, c.state == "passed")', "there is no field 'state'"],
    ['quality.score.value > 0.5', 'has no fields'],
    ['checks.all(a, checks.all(b, checks.all(c, true)))', 'more than 2 deep'],
    ['has(snapshot.colour)', "there is no field 'colour'"],
    ['fetch("http://x") == ""', ''],
  ])('%s is found before anybody is judged by it', (require, message) => {
    const { problems } = lintPack(pack(rule(require)));
    if (message === '') expect(testPack(pack(rule(require), fixtures('{}'))).ok).toBe(false);
    else expect(problems.map((problem) => problem.message).join()).toContain(message);
  });

  it('refuses aliases, duplicate keys, other documents and what is too large', () => {
    expect(lintPack('a: &x [1]\nb: *x\n').problems.length).toBeGreaterThan(0);
    expect(messages('name: a\nname: b\n')[0]).toMatch(/^:2: .*unique/);
    expect(lintPack('').problems.length).toBeGreaterThan(0);
    expect(lintPack(`# ${'x'.repeat(1_100_000)}`).problems[0]?.message).toMatch(/larger/);
    expect(messages('"unterminated')).toHaveLength(1);
  });

  it('refuses a fixture that shows a field nobody has', () => {
    const source = pack(
      rule('snapshot.file_count > 1'),
      `  pass:\n    - { rule: r, input: { snapshot: { files: 3 } } }\n    - { rule: s, input: { quality: { score: high } } }\n  fail: []\n`,
    );
    expect(messages(source)).toEqual([
      "tests.pass[0].input.snapshot.files:14: there is no field 'files'",
      "tests.pass[1].rule:15: there is no rule 's'",
      'tests.pass[1].input.quality.score:15: must be a double',
    ]);
  });
});

function fixtures(input: string, other = input): string {
  return `  pass:\n    - { rule: r, input: ${input} }\n  fail:\n    - { rule: r, input: ${other} }\n`;
}

describe('testPack', () => {
  it('passes a pack whose rules say both, rightly', () => {
    const test = testPack(good);
    expect(test).toMatchObject({ ok: true, problems: [], untested: [] });
    expect(test.results).toHaveLength(11);
  });

  it('refuses a pack whose must-fail fixture passes', () => {
    const test = testPack(pack(rule('true'), fixtures('{}')));
    expect([test.ok, test.results.filter(({ ok }) => !ok).map(({ must, said }) => [must, said])]).toEqual([false, [['fail', 'pass']]]);
  });

  it('a rule that cannot be evaluated does not count as one that fails', () => {
    const test = testPack(pack(rule('snapshot.file_count > 1'), fixtures('{ snapshot: { file_count: 2 } }', '{ snapshot: { } }')));
    expect(test.ok).toBe(false);
    expect(test.results[1]).toMatchObject({ must: 'fail', said: 'error', ok: false });
  });

  it('refuses a rule without both kinds of fixture', () => {
    expect(testPack(pack(rule('true')))).toMatchObject({ ok: false, untested: [{ rule: 'r', lacks: ['pass', 'fail'] }] });
    const half = pack(rule('quality.total > 1'), '  pass:\n    - { rule: r, input: { quality: { total: 2 } } }\n  fail: []\n');
    expect(testPack(half)).toMatchObject({ ok: false, untested: [{ rule: 'r', lacks: ['fail'] }] });
  });
});

describe('compilePack', () => {
  it('compiles once a digest, and refuses a source that has another', () => {
    expect(compilePack(good)).toBe(compilePack(good, digestOf(good)));
    expect(() => compilePack(`${good}\n`, digestOf(good.slice(1)))).toThrow(expect.objectContaining({ code: 'integrity' }));
  });

  it('names every fault of a pack that does not lint', () => {
    expect(() => compilePack(pack(rule('nope')))).toThrow(expect.objectContaining({ code: 'unprocessable' }));
  });

  it('user patterns run in linear time', () => {
    const compiled = compilePack(pack(rule('request.run_id.matches("^(a|aa)+$") || !request.run_id.matches("(a*)*b")')));
    const { expression } = compiled.rules[0] ?? { expression: undefined };
    // Exponential for a backtracking engine: it would not end within the age of the universe.
    const evaluation = expression?.evaluate({ request: { run_id: `${'a'.repeat(20_000)}!` } });
    expect(evaluation).toEqual({ ok: true, value: true });
  });

  it('a rule that gives no truth value is an error, not a pass', () => {
    for (const source of ['1', "'yes'", 'null', '[true]', '1 / 0 == 1', 'quality.score']) {
      const [compiled] = compilePack(pack(rule(source))).rules;
      expect([source, compiled?.expression.evaluate({ quality: { score: 1 } }).ok]).toEqual([source, false]);
    }
  });
});

describe('policyRevOf', () => {
  const a = { name: 'a', version: '1', digest: `sha256:${'a'.repeat(64)}` };
  const b = { name: 'b', version: '1', digest: `sha256:${'b'.repeat(64)}` };

  it('is the digest of the set, whatever its order', () => {
    expect(policyRevOf([a, b])).toBe(policyRevOf([b, a]));
    expect(policyRevOf([a])).not.toBe(policyRevOf([a, b]));
    expect(policyRevOf([{ ...a, digest: b.digest }])).not.toBe(policyRevOf([a]));
  });

  it('a pack replaces the one of its name', () => {
    const newer = { ...a, version: '2', digest: b.digest };
    expect(withPack([b, a], newer)).toEqual([newer, b]);
  });
});

describe('diffPacks', () => {
  it('names what changes for those who are judged', () => {
    const { pack: from } = lintPack(good);
    const { pack: to } = lintPack(
      good
        .replace('>= 2', '>= 3')
        .replace(/ {2}- id: settled[\s\S]*?DATASET }\n(?=tests)/, '')
        .replace(/.*rule: settled.*\n/g, ''),
    );
    if (from === undefined || to === undefined) throw new Error('the packs do not lint');
    const diff = diffPacks(from, to);
    expect(diff.removed).toEqual(['settled']);
    expect(diff.added).toEqual([]);
    expect(diff.changed).toEqual([
      { rule: 'enough-checks', changes: [{ field: 'require', from: 'quality.total >= 2', to: 'quality.total >= 3' }] },
    ]);
    expect(diffPacks(from, from)).toMatchObject({ added: [], removed: [], changed: [] });
  });
});

describe('rules that make text', () => {
  it.each([
    ["'a'.replace('a', 'aa') == 'aa'", 'replace'],
    ["['a', 'b'].join('-') == 'a-b'", 'join'],
    ["'%s'.format(['a']) == 'a'", 'format'],
  ])('%s is refused before it is ever run', (require, name) => {
    const { source } = fixturePack('gdp-default');
    const { pack, problems } = lintPack(source.replace('snapshot.file_count > 0 && snapshot.total_bytes > 0', JSON.stringify(require)));
    expect(pack).toBeUndefined();
    expect(problems.map(({ message }) => message)).toEqual([`'${name}' makes text of any length, and rules do not`]);
  });
});

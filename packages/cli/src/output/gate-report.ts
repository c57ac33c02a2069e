import type { DecisionBody, GateAnswer } from '@govctl/core/decision';

/** What a report is made from: a decision, or some of its answers. */
export type Judged = Pick<DecisionBody, 'gates' | 'subject' | 'valid_from' | 'decision'>;

type Format = 'sarif' | 'junit' | 'github';

/** Gates in the formats that build servers show: SARIF 2.1.0, JUnit XML, workflow commands of GitHub Actions. */
export function gateRenderings(judged: Judged): Readonly<Record<Format, () => string>> {
  return { sarif: () => sarif(judged), junit: () => junit(judged), github: () => github(judged) };
}

function nameOf({ subject }: Judged): string {
  const { tenant_id, dataset_id, from_layer, to_layer, snapshot_id } = subject;
  return `${tenant_id}/${dataset_id}/${from_layer}-${to_layer}/${snapshot_id}`;
}

function messageOf({ reason, resolve }: GateAnswer): string {
  return resolve === null ? reason : `${reason}. ${resolve.who}: ${resolve.command}`;
}

// Only a result of kind "fail" may have a level (SARIF 2.1.0, 3.27.10).
const sarifKinds = {
  pass: { kind: 'pass', level: 'none' },
  not_required: { kind: 'notApplicable', level: 'none' },
  defer: { kind: 'fail', level: 'warning' },
  fail: { kind: 'fail', level: 'error' },
} as const satisfies Record<GateAnswer['outcome'], object>;

function sarif(judged: Judged): string {
  const { gates } = judged;
  const report = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'govctl', rules: gates.map(({ code }) => ({ id: code })) } },
        results: gates.map((answer, ruleIndex) => ({
          ruleId: answer.code,
          ruleIndex,
          ...sarifKinds[answer.outcome],
          message: { text: messageOf(answer) },
          locations: [{ logicalLocations: [{ fullyQualifiedName: nameOf(judged), kind: 'resource' }] }],
          properties: { reason_code: answer.reason_code, expected: answer.expected, actual: answer.actual },
        })),
      },
    ],
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

function junit(judged: Judged): string {
  const { gates, valid_from } = judged;
  const count = (...outcomes: GateAnswer['outcome'][]) => gates.filter(({ outcome }) => outcomes.includes(outcome)).length;
  const totals = `tests="${gates.length}" failures="${count('fail', 'defer')}" errors="0" skipped="${count('not_required')}"`;
  const suite = `name="${xml(nameOf(judged))}" ${totals}`;
  const cases = gates.map((answer) => {
    const open = `    <testcase classname="${xml(nameOf(judged))}" name="${xml(answer.code)}"`;
    if (answer.outcome === 'pass') return `${open}/>`;
    const inside =
      answer.outcome === 'not_required'
        ? `<skipped message="${xml(answer.reason)}"/>`
        : `<failure type="${answer.outcome}:${xml(answer.reason_code)}" message="${xml(answer.reason)}">${xml(messageOf(answer))}</failure>`;
    return `${open}>${inside}</testcase>`;
  });
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites ${totals}>`,
    `  <testsuite ${suite} timestamp="${xml(valid_from)}">`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

function xml(text: string): string {
  // XML 1.0 has no way at all to write most control characters.
  const writable = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
  return writable.replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function github(judged: Judged): string {
  const lines = judged.gates.flatMap((answer) => {
    if (answer.outcome !== 'fail' && answer.outcome !== 'defer') return [];
    const command = answer.outcome === 'fail' ? 'error' : 'warning';
    return [`::${command} title=${property(`${answer.code} (${answer.reason_code})`)}::${data(messageOf(answer))}`];
  });
  if (lines.length === 0) lines.push(`::notice title=govctl::${data(`${nameOf(judged)}: nothing stands in the way`)}`);
  return `${lines.join('\n')}\n`;
}

function data(text: string): string {
  return text.replace(/[%\r\n]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}

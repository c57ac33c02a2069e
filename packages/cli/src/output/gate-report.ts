import { addressed, type DecisionBody, type GateAnswer } from '@govctl/core/decision';
import { programVersion } from '../program-version.ts';
import { plain } from './table/text.ts';

/** What a report is made from: the answers of one decision, and what it was about. */
export type GateReport = {
  /** Parts of the name of what was judged, from the general to the special. */
  readonly subject: readonly string[];
  /** When it was judged; null where nobody says. */
  readonly judged_at: string | null;
  readonly answers: readonly ReportedAnswer[];
};

export type ReportedAnswer = Pick<GateAnswer, 'code' | 'outcome' | 'reason_code' | 'reason' | 'resolve' | 'expected' | 'actual'>;
export type Renderings = Readonly<Record<'sarif' | 'junit' | 'github', () => string>>;

/** Gates in the formats that build servers show: SARIF 2.1.0, JUnit XML, workflow commands of GitHub Actions. */
export function gateRenderings(judged: Pick<DecisionBody, 'gates' | 'subject' | 'valid_from' | 'run_id'>): Renderings {
  const { tenant_id, dataset_id, from_layer, to_layer, snapshot_id } = judged.subject;
  const subject = [tenant_id, dataset_id, `${from_layer}-${to_layer}`, snapshot_id];
  return reportRenderings([
    { subject, judged_at: judged.valid_from, answers: addressed(judged.gates, { ...judged.subject, run_id: judged.run_id }) },
  ]);
}

/** Reports of several decisions as one. A decision without an answer is reported as one that is open: silence never looks like a pass. */
export function reportRenderings(reports: readonly GateReport[]): Renderings {
  const whole = reports.map((report) => (report.answers.length === 0 ? { ...report, answers: [undecided] } : report));
  return { sarif: () => sarif(whole), junit: () => junit(whole), github: () => github(whole) };
}

const undecided: ReportedAnswer = {
  code: 'decision',
  outcome: 'defer',
  reason_code: 'undecided',
  reason: 'nothing was decided yet',
  resolve: null,
  expected: 'a decision',
  actual: null,
};

function nameOf({ subject }: GateReport): string {
  return subject.join('/');
}

function messageOf({ reason, resolve }: ReportedAnswer): string {
  return resolve === null ? reason : `${reason}. ${resolve.who}: ${resolve.command}`;
}

// Only a result of kind "fail" may have a level (SARIF 2.1.0, 3.27.10).
const sarifKinds = {
  pass: { kind: 'pass', level: 'none' },
  not_required: { kind: 'notApplicable', level: 'none' },
  defer: { kind: 'fail', level: 'warning' },
  fail: { kind: 'fail', level: 'error' },
} as const satisfies Record<GateAnswer['outcome'], object>;

function sarif(reports: readonly GateReport[]): string {
  const report = {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: reports.map(sarifRun),
  };
  // A lone surrogate is a string for us, and an error for most other readers.
  return `${JSON.stringify(report, (_name, value: unknown) => (typeof value === 'string' ? value.toWellFormed() : value), 2)}\n`;
}

function sarifRun(report: GateReport) {
  const codes = [...new Set(report.answers.map(({ code }) => code))];
  // Data has no file, but code scanning of GitHub drops a result that has no place: its name is its path.
  const uri = report.subject.map((part) => encodeURIComponent(part.toWellFormed())).join('/');
  const locations = [
    {
      physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
      logicalLocations: [{ fullyQualifiedName: nameOf(report), kind: 'resource' }],
    },
  ];
  return {
    tool: { driver: { name: 'govctl', version: programVersion, rules: codes.map((id) => ({ id, name: id })) } },
    columnKind: 'utf16CodeUnits',
    results: report.answers.map((answer) => ({
      ruleId: answer.code,
      ruleIndex: codes.indexOf(answer.code),
      ...sarifKinds[answer.outcome],
      message: { text: messageOf(answer) },
      locations,
      partialFingerprints: { 'gate/v1': `${uri}#${encodeURIComponent(answer.code.toWellFormed())}` },
      properties: { outcome: answer.outcome, reason_code: answer.reason_code, expected: answer.expected, actual: answer.actual },
    })),
  };
}

function junit(reports: readonly GateReport[]): string {
  const all = reports.flatMap(({ answers }) => answers);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="govctl" ${totalsOf(all)}>`,
    ...reports.flatMap(junitSuite),
    '</testsuites>',
    '',
  ].join('\n');
}

function totalsOf(answers: readonly ReportedAnswer[]): string {
  const count = (...outcomes: GateAnswer['outcome'][]) => answers.filter(({ outcome }) => outcomes.includes(outcome)).length;
  return `tests="${answers.length}" failures="${count('fail', 'defer')}" errors="0" skipped="${count('not_required')}" time="0"`;
}

function junitSuite(report: GateReport): string[] {
  const { answers, judged_at } = report;
  const name = xml(nameOf(report));
  const when = judged_at === null ? '' : ` timestamp="${xml(judged_at)}"`;
  return [
    `  <testsuite name="${name}" ${totalsOf(answers)}${when}>`,
    ...answers.map((answer) => junitCase(answer, name)),
    '  </testsuite>',
  ];
}

function junitCase(answer: ReportedAnswer, name: string): string {
  const open = `    <testcase classname="${name}" name="${xml(answer.code)}" time="0"`;
  if (answer.outcome === 'pass') return `${open}/>`;
  const inside =
    answer.outcome === 'not_required'
      ? `<skipped message="${xml(answer.reason)}"/>`
      : `<failure type="${answer.outcome}:${xml(answer.reason_code)}" message="${xml(answer.reason)}">${xml(messageOf(answer))}</failure>`;
  return `${open}>${inside}</testcase>`;
}

function xml(text: string): string {
  // XML 1.0 has no way at all to write most control characters.
  const writable = text.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
  return writable.replace(/[&<>"'\t\n\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function github(reports: readonly GateReport[]): string {
  const lines = reports.flatMap((report) => {
    const blocking = report.answers.filter(({ outcome }) => outcome === 'fail' || outcome === 'defer');
    if (blocking.length === 0) return [`::notice title=govctl::${data(`${nameOf(report)}: nothing stands in the way`)}`];
    return blocking.map((answer) => {
      const title = property(`${answer.code} (${answer.reason_code})`);
      return `::${answer.outcome === 'fail' ? 'error' : 'warning'} title=${title}::${data(messageOf(answer))}`;
    });
  });
  return `${lines.join('\n')}\n`;
}

/** Escaped as the runner reads it back; what could move a terminal is shown, for people run this too. */
function data(text: string): string {
  const code = (character: string) => `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
  return text
    .split(/([\r\n])/)
    .map((part) => (part === '\r' || part === '\n' ? code(part) : plain(part).replaceAll('%', '%25')))
    .join('')
    .toWellFormed();
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C');
}
